"""What goes wrong with MLflow, in one line that holds no password and says what to do."""

import re
from typing import Final

_LONGEST: Final = 300  # characters
# MLflow's codes, also for answers of a proxy before it.
_STATUS: Final = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}
_VARIABLES: Final = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
# A password may hold an @ or, up to the next blank, a slash; what looks like a port is none.
_CREDENTIALS: Final = re.compile(r"(?<=://)(?:[^/\s]*@|[^/\s:@]*:(?![0-9]+/)[^@\s]*@)")

_IN_QUERY: Final = re.compile(r"(?<=password=)[^&\s]+")


def explained(error: Exception, uri: str = "") -> str:
    """Returns an error as one line.

    Args:
        error: What was raised.
        uri: Of the MLflow that was asked.
    """
    status = _status(error)
    where = f"MLflow ({without_password(uri)})" if uri else "MLflow"
    if status == 401:
        return (
            f"{where} does not know who asks (401): user or password are missing or wrong. Set "
            f"{_VARIABLES}, which count before those in an address."
        )
    if status == 403:
        return (
            f"{where} does not permit this to its user (403). Ask for the permission to edit, or "
            f"name another user by {_VARIABLES}."
        )
    return without_password(" ".join(str(error).split()))[:_LONGEST]


def without_password(text: str) -> str:
    """Returns a text without the user and the password of each URL in it."""
    return _IN_QUERY.sub("***", _CREDENTIALS.sub("", text))


def _status(error: Exception) -> int | None:
    """Returns the HTTP status of a refusal: by MLflow's interface, or of a file."""
    code = _STATUS.get(getattr(error, "error_code", ""))
    return code or getattr(getattr(error, "response", None), "status_code", None)
