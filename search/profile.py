"""Clusters by name: addresses from a file of the user's, secrets from a second one or none at all.

A command that is given a cluster takes its addresses into its own environment, where every part of
the program looks for them. What the environment holds already counts more.
"""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pydantic
import sqlalchemy as sa

from search.errors import SearchError, suggestion
from search.workspace import CLUSTER, MLFLOW_URI, STORE, STUDY_URL

STUDY_PASSWORD: Final = "VAESEARCH_STUDY_PASSWORD"
_SECRETS: Final = (
    STUDY_PASSWORD,
    STUDY_URL,
    "RAY_AUTH_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
)


class Profile(pydantic.BaseModel):
    """One cluster: addresses only, no secrets."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True)

    ray: str
    study: str | None = None
    mlflow: str | None = None
    store: str | None = None
    secrets: str | None = None

    @pydantic.field_validator("ray", "mlflow")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not is_address(value):
            raise ValueError(f"expected an address such as http://10.0.0.5:8265, not {value!r}")
        return value

    @pydantic.field_validator("study", "ray", "mlflow", "store")
    @classmethod
    def _holds_no_password(cls, value: str | None) -> str | None:
        if value is not None and _has_password(value):
            raise ValueError(
                "an address holds no password here; put it into the file that `secrets` names"
            )
        return value


def profiles_file() -> Path:
    """Returns where a user's clusters stand."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "vaesearch.toml"


def is_address(text: str) -> bool:
    """Returns whether a text is an address of a cluster, and no name."""
    return text.startswith(("http://", "https://"))


def choose_cluster(name: str) -> None:
    """Takes a cluster's addresses and secrets into this process's environment.

    Args:
        name: Of a profile, or the address of the cluster's jobs.

    Raises:
        SearchError: If there is no such profile, a file cannot be used, or nothing names the study
            database: this machine's own searches are not those of a cluster.
    """
    profile = _checked({"ray": name}, "--cluster") if is_address(name) else _profile(name)
    secrets = _secrets(Path(profile.secrets).expanduser()) if profile.secrets else {}
    found = {**_addresses(profile), **secrets}
    for key, value in found.items():
        os.environ.setdefault(key, value)
    os.environ[CLUSTER] = profile.ray
    if profile.study is not None and STUDY_URL not in secrets:
        os.environ[STUDY_URL] = _with_password(profile.study, os.environ.get(STUDY_PASSWORD))
    if not os.environ.get(STUDY_URL):
        raise SearchError(
            f"Name the study database of the cluster at {profile.ray}: `study` in its profile in "
            f"{profiles_file()}, or the variable {STUDY_URL}."
        )
    if os.environ.get("RAY_AUTH_TOKEN"):
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _addresses(profile: Profile) -> dict[str, str]:
    named = {MLFLOW_URI: profile.mlflow, STORE: profile.store}
    return {key: value for key, value in named.items() if value is not None}


def _profile(name: str) -> Profile:
    path = profiles_file()
    known = _clusters(path)
    if name not in known:
        raise SearchError(
            f"{path} has no cluster `{name}`{suggestion(name, known)}."
            if known
            else f"There is no cluster `{name}`. Write [clusters.{name}] with ray = "
            f'"http://HOST:8265" into {path}, or give such an address.'
        )
    return _checked(known[name], f"{path}: clusters.{name}")


def _checked(values: Any, where: str) -> Profile:
    try:
        return Profile.model_validate(values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in (where, *first["loc"]))
        message = str(first["msg"]).removeprefix("Value error, ")
        raise SearchError(f"{place}: {message}.") from None  # its text has the value in it


def _clusters(path: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SearchError(f"Cannot read {path}: {error}.") from error
    clusters = content.get("clusters", {})
    if not isinstance(clusters, dict):
        raise SearchError(f"{path}: `clusters` holds no tables. Write [clusters.NAME].")
    return clusters


def _secrets(path: Path) -> dict[str, str]:
    """Returns the `NAME=value` lines of a file that nobody else can read."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SearchError(f"Cannot read the secrets in {path}: {error}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SearchError(
            f"Others can read the secrets in {path} (mode {stat.S_IMODE(mode):04o}). "
            f"Say: chmod 600 {path}"
        )
    found = {}
    for index, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or key.strip() not in _SECRETS:
            hint = suggestion(key.strip(), _SECRETS) if equals else ""
            raise SearchError(f"{path}, line {index}: expected NAME=value of a secret{hint}.")
        found[key.strip()] = value.strip()
    return found


def _with_password(url: str, password: str | None) -> str:
    try:
        parsed = sa.engine.make_url(url)
    except sa.exc.ArgumentError:
        raise SearchError(
            "`study` is no address of a database, such as postgresql://study@HOST:5432/study."
        ) from None  # the text of the cause has the address in it, perhaps with a password
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")  # the driver that is installed
    if password is not None:
        parsed = parsed.set(password=password)
    return parsed.render_as_string(hide_password=False)


def _has_password(value: str) -> bool:
    try:
        return sa.engine.make_url(value).password is not None
    except (sa.exc.ArgumentError, ValueError):
        return False
