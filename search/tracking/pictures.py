"""The pictures of a trial, from its newest checkpoint."""

import logging
from typing import Final, final

from search.store import TrialStore
from search.strips import over_epochs, strip_epoch

_log = logging.getLogger(__name__)

OVER_EPOCHS: Final = "samples_over_epochs.png"
_NAMES: Final = ("samples.png", "reconstructions.png")


@final
class Pictures:
    """Those of one search.

    Args:
        root: Of the store.
        search_id: The search.
    """

    def __init__(self, root: str, search_id: str):
        self._root = root
        self._search_id = search_id
        self._store: TrialStore | None = None

    def of(self, trial: int) -> dict[str, bytes]:
        """Returns name -> PNG; empty if there are none, or the store does not answer."""
        try:
            self._store = self._store or TrialStore(self._root, self._search_id)
            checkpoint = self._store.newest(trial)
            if checkpoint is None:
                return {}
            names = [name for name in _NAMES if name in checkpoint.objects]
            found = {name: self._store.read(checkpoint, name) for name in names}
            epochs = {name: strip_epoch(name) for name in checkpoint.objects}
            strips = {
                epoch: self._store.read(checkpoint, name)
                for name, epoch in epochs.items()
                if epoch is not None
            }
            return {**found, OVER_EPOCHS: over_epochs(strips)} if strips else found
        except OSError as error:
            _log.info("Trial %d is shown without its pictures: %s", trial, error)
            return {}
