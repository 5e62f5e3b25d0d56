"""Keeping a search's store below its quota, while a driver runs: by pruning, else by ending."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Final, final

import sqlalchemy as sa

from search.errors import SearchError
from search.files import Files, shown_size
from search.pruning import plan_pruning
from search.showcase import FOLDER as SHOWCASE
from search.stopper import Ending, Stopper
from search.study.history import add_event
from search.study.reader import StudyReader
from search.workspace import Workspace

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 30.0
_PARTING_SECONDS: Final = 5.0
_GB: Final = 2**30


def store_bytes(store: str, search_id: str) -> int:
    """Returns how much a store holds of a search, but for what is shown of its front: that is
    made at the very end, and made again if it is gone.

    Raises:
        StoreError: If the store refuses.
    """
    files = Files(store, search_id).walk()
    return sum(file.num_bytes for file in files if not file.path.startswith(f"{SHOWCASE}/"))


@final
class Quota:
    """The quota of one search.

    Args:
        reader: The search. Not shared with another thread.
        store: Root of its store.
        num_bytes: What it may hold.
    """

    def __init__(self, reader: StudyReader, store: str, num_bytes: float):
        self._reader = reader
        self._store = store
        self._num_bytes = num_bytes

    def check(self) -> str | None:
        """Prunes what no front needs if the store holds too much.

        Returns:
            What to tell if it still does, else None.

        Raises:
            StoreError: If the store refuses.
        """
        used = self._used()
        if used > self._num_bytes:
            self._prune()
            used = self._used()
        if used <= self._num_bytes:
            return None
        name, allowed = self._reader.name, shown_size(self._num_bytes)
        self._note("store over quota", {"used": shown_size(used), "quota": allowed})
        larger = f"{2 * used / _GB:.4f}".rstrip("0").rstrip(".")
        return (
            f"the store holds {shown_size(used)} of `{name}`, more than its quota of {allowed}, "
            "and nothing more of it can be pruned: its trials save and end. "
            f"`vaesearch resume {name} --store-quota {larger}` goes on with a larger quota"
        )

    def _used(self) -> int:
        return store_bytes(self._store, self._reader.id)

    def _prune(self) -> None:
        plan = plan_pruning(self._reader, self._store)
        plan.carry_out()
        if plan.num_doomed:
            freed = {"files": plan.num_doomed, "freed": shown_size(plan.doomed_bytes)}
            self._note("store pruned", {**freed, "by": "quota"})

    def _note(self, kind: str, details: dict[str, object]) -> None:
        add_event(self._reader.engine, self._reader.id, kind, details)


@contextlib.contextmanager
def keeping_quota(
    reader: StudyReader,
    workspace: Workspace,
    stopper: Stopper,
    say: Callable[[str], None],
    pause_seconds: float = _LOOK_SECONDS,
) -> Iterator[None]:
    """Watches the quota of the study file from a thread, if there is one.

    Args:
        reader: The search. Another thread's: only its engine and its name are used.
        workspace: Its workspace.
        stopper: Told when the search has to end.
        say: Called with the reason then, from the thread.
        pause_seconds: Between two looks.
    """
    config = reader.record().config
    if config.store_quota_gb is None:
        yield
        return
    own = StudyReader(reader.engine, reader.name)
    quota = Quota(own, workspace.store(config), config.store_quota_gb * _GB)
    ended = threading.Event()

    def watch() -> None:
        pause = 0.0  # a search that is over its quota already need not begin
        while not ended.wait(pause):
            pause = pause_seconds
            try:
                problem = quota.check()
            except (SearchError, sa.exc.SQLAlchemyError) as error:
                _log.info("The quota cannot be checked now: %s", error)  # look again later
                continue
            if problem is not None:
                say(problem)
                stopper.stop(Ending.OVER_QUOTA)
                return

    thread = threading.Thread(target=watch, daemon=True, name="quota")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_PARTING_SECONDS)  # a pruning may be cut off anywhere
