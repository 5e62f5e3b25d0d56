"""Every error this package raises on purpose, sorted by what the caller should do.

* SearchError
  + SpentError          its hours are used up, or it has no front to confirm: give it more
  + StudyConfigError    the study file asks for something impossible: fix the file
  + DataError           the images cannot be used: fix the data or its path
  + NotFoundError       no such search, trial or file: see `vaesearch list`
  + IdentityError       the search was begun with other data, settings or code: fork or undo
  + LeaseHeldError      another driver runs this search: wait, or `vaesearch stop` it
  + LeaseLostError      another driver took this search over: this one must end
  + StoreError          weights or states cannot be written or read: fix the store
  + TrackerError        MLflow refused or cannot be reached: the search goes on
  + WorkersError        Ray did not start or broke down: `vaesearch resume`

The command line prints any of these as one line and exits with 1; anything else is our bug and
shows its traceback.
"""

import difflib
from collections.abc import Iterable, Sequence


class SearchError(Exception):
    """Base class, for `except SearchError` at the command line."""


class StudyConfigError(SearchError, ValueError):
    """The study file asks for something impossible.

    Args:
        message: What is wrong, and what to write instead.
        location: Keys of the study file on the way to what is wrong, where they are known.
    """

    def __init__(self, message: str, location: Sequence[str | int] = ()):
        super().__init__(message)
        self.location = tuple(location)


class SpentError(SearchError):
    """Nothing is left to spend on a search, or there is nothing yet to spend it on."""


class DataError(SearchError, ValueError):
    """The images cannot be used."""


class NotFoundError(SearchError, KeyError):
    """There is no search, trial or file of that name."""

    def __str__(self) -> str:  # KeyError would print the message in quotes
        return str(self.args[0])


class IdentityError(SearchError):
    """The search was begun with other data, settings or code."""


class LeaseHeldError(SearchError):
    """Another driver runs this search."""


class LeaseLostError(SearchError):
    """Another driver took this search over."""


class StoreError(SearchError, OSError):
    """Weights or states cannot be written or read."""


class TrackerError(SearchError):
    """MLflow refused or cannot be reached."""


class WorkersError(SearchError):
    """Ray did not start or broke down."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Returns ". Did you mean `x`?" for the nearest known name, else the list of all."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f". Did you mean `{near[0]}`?" if near else f". Known: {', '.join(names)}"
