"""What the search's own run holds beside its figures: its page and its study file."""

import logging
import time
from typing import Final, final

from search.study.confirmations import read_confirmations
from search.study.reader import StudyReader

_log = logging.getLogger(__name__)

PAGE: Final = "report.html"
STUDY: Final = "study.yaml"
_PAUSE_SECONDS: Final = 60.0
_PAUSES_PER_SECOND: Final = 50.0  # making a page takes at most a fiftieth of a driver's time


@final
class ParentFiles:
    """Those of one search, made anew when they are due.

    Args:
        reader: The search.
        store: Where its pictures are.
    """

    def __init__(self, reader: StudyReader, store: str):
        self._reader = reader
        self._store = store
        self._due = 0.0  # by the monotonic clock
        self._known: tuple[int, ...] = ()  # what the files that MLflow has tell of
        self._pending: tuple[int, ...] = ()

    def due(self, is_last: bool) -> dict[str, bytes]:
        """Returns name -> content of what is due and would tell something new; else nothing.

        Args:
            is_last: Whether nobody will ask again: then it is always due.
        """
        start = time.monotonic()
        if start < self._due and not is_last:
            return {}
        pending = self._counts()
        if pending == self._known:
            return {}
        try:
            files = self._made(is_last)
        except Exception:  # noqa: BLE001 - a page that cannot be made is no reason to hold up figures
            _log.info("The page of %s could not be made", self._reader.name, exc_info=True)
            files = {}
        now = time.monotonic()
        self._due = now + max(_PAUSE_SECONDS, _PAUSES_PER_SECOND * (now - start))
        self._pending = pending
        return files

    def _made(self, is_last: bool) -> dict[str, bytes]:
        # Plotly takes a second to import; a driver should not begin with that.
        from search.report.material import gather
        from search.report.page import page
        from search.report.page_study import reproduction_section

        material = gather(self._reader, self._store, is_ending=is_last)
        study = str(reproduction_section(material.record, "")["file"])
        text = page(material, {}, "")
        return {PAGE: text.encode(errors="replace"), STUDY: study.encode(errors="replace")}

    def told(self) -> None:
        """Notes that MLflow has what was due."""
        self._known = self._pending

    def _counts(self) -> tuple[int, ...]:
        trials = self._reader.trials()
        num_measured = sum(len(trial.measurements) for trial in trials)
        num_finished = sum(trial.state.is_finished for trial in trials)
        num_confirmed = len(read_confirmations(self._reader))
        return num_measured, num_finished, len(self._reader.remeasured()), num_confirmed
