"""Opening S3-compatible storage, and saying in one line what is wrong with it.

Credentials come from the environment or from where AWS's own tools look for them, never from the
URL, which is stored in the study and shown to people.
"""

import os
import urllib.parse
from typing import Final

from pyarrow import fs

from search.errors import StoreError

_SCHEME: Final = "s3://"
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")  # the first that is set counts
_OPTIONS: Final = {"endpoint_override", "region", "scheme"}  # what a URL may say after a `?`
_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 10.0  # without a byte
_ATTEMPTS: Final = 3

# What stands in the errors of AWS's library -> what it means here.
_MEANINGS: Final = (
    (("NO_SUCH_BUCKET", "not found. To create buckets"), "there is no such bucket; create it"),
    (("NETWORK_CONNECTION",), "its server{server} does not answer"),
    (
        ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT"),
        "it refuses the credentials; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
)


def is_s3(root: str) -> bool:
    """Returns whether a store's root is a URL of S3."""
    return root.startswith(_SCHEME)


def open_s3(url: str) -> tuple[fs.FileSystem, str]:
    """Returns the file system of `s3://bucket/path`, and `bucket/path`. Asks no server yet.

    The server is that of AWS_ENDPOINT_URL, by default Amazon's; `http://` in front is allowed. No
    request waits for ever: a server that does not answer is given up within a minute.

    Raises:
        StoreError: If the URL holds credentials, names no bucket, or has an unknown option.
    """
    parts = urllib.parse.urlsplit(url)
    if "@" in parts.netloc:
        raise StoreError(
            f"Cannot open the store {_SCHEME}***@{parts.netloc.rpartition('@')[2]}{parts.path}: a "
            "URL is stored and shown, so it must not hold credentials. Set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY in the environment."
        )
    shown = f"{_SCHEME}{parts.netloc}{parts.path}"
    options = dict(urllib.parse.parse_qsl(parts.query))
    if not parts.netloc:
        raise StoreError(f"Cannot open the store {shown}: name a bucket, as in s3://bucket/path.")
    if unknown := sorted(options.keys() - _OPTIONS):
        raise StoreError(
            f"Cannot open the store {shown}: unknown option `{unknown[0]}`. Known: "
            f"{', '.join(sorted(_OPTIONS))}. Credentials belong in the environment."
        )
    if (endpoint := _endpoint()) is not None:
        options.setdefault("endpoint_override", endpoint)
    filesystem = fs.S3FileSystem(
        **options,
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_ANSWER_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        allow_delayed_open=True,  # a small file is then one request instead of three
    )
    return filesystem, f"{parts.netloc}{parts.path}".rstrip("/")


def explained(error: Exception) -> str:
    """Returns what went wrong, in one line; of what AWS's library says only what helps."""
    text = " ".join(str(error).split())
    for marks, meaning in _MEANINGS:
        if any(mark in text for mark in marks):
            return meaning.format(server=_shown_endpoint())
    return text


def _endpoint() -> str | None:
    # pyarrow reads it for some ways of opening and not for others.
    return next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)


def _shown_endpoint() -> str:
    endpoint = _endpoint()
    if endpoint is None:
        return ""
    address = endpoint.rpartition("@")[2].rpartition("://")[2]
    return f" at {address}"
