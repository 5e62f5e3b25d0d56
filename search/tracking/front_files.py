"""What a run holds of its trial's models: those of front members, as a worker made them."""

import logging
from collections.abc import Mapping
from typing import Final, final

from search.errors import StoreError
from search.showcase import Showcase

_log = logging.getLogger(__name__)

# Of a trial's run: the epochs whose files it has.
SHOWN: Final = "front.shown"


def model_place(epoch: int) -> str:
    """Returns in which folder of a run the models of an epoch are."""
    return f"epoch-{epoch:06d}"


@final
class FrontFiles:
    """Those of one search.

    Args:
        store: Root of its store.
        search_id: The search.
    """

    def __init__(self, store: str, search_id: str):
        self._store = store
        self._search_id = search_id
        self._showcase: Showcase | None = None

    def due(self, trial: int, wanted: str, shown: str) -> Mapping[int, Mapping[str, bytes]]:
        """Returns epoch -> name -> content of what was made and is not shown yet.

        Args:
            trial: A trial on the front.
            wanted: Its epochs on the front, with commas between them.
            shown: The epochs whose files MLflow has, likewise.
        """
        found = {}
        for epoch in sorted({*_epochs(wanted)} - {*_epochs(shown)}):
            try:
                self._showcase = self._showcase or Showcase(self._store, self._search_id)
                if files := self._showcase.read(trial, epoch):
                    found[epoch] = files
            except StoreError as error:
                _log.info("The model %d@%d is not shown: %s", trial, epoch, error)
        return found


def with_epoch(shown: str, epoch: int) -> str:
    """Returns the epochs that are shown once `epoch` is."""
    return ",".join(map(str, sorted({*_epochs(shown), epoch})))


def _epochs(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part.isdigit()]  # MLflow cuts long tags
