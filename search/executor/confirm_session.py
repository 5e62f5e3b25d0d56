"""One session of a confirmation on Ray: open the judge, train the front again."""

import contextlib
from collections.abc import Callable
from typing import Any

import ray

from search.errors import IdentityError
from search.executor.confirm_desk import ConfirmDesk
from search.executor.room import wait_for_room
from search.executor.run import run_trials
from search.executor.sharing import prepare
from search.executor.slots import Slots
from search.executor.stop_flag import new_flag
from search.sections import ResourcesSection
from search.stopper import Ending, Stopper
from search.study.reader import SearchRecord
from search.work import Shared, Work
from search.workspace import Workspace


def run_confirmation(
    desk: ConfirmDesk,
    record: SearchRecord,
    place: tuple[str, Workspace],
    resources: tuple[ResourcesSection, Slots],
    stopper: Stopper,
    say: Callable[[str], None],
    work: Work,
) -> Ending:
    """Trains what the desk hands out, to the end or until it is stopped.

    Args:
        desk: Of the confirmation.
        record: The search.
        place: The folder of the images, and the workspace.
        resources: Of one training, and how many may run at once.
        stopper: Says when to end early.
        say: Called with a short sentence whenever a new phase begins.
        work: What the workers do.

    Raises:
        SearchError: If it cannot go on. What was measured is kept.
    """
    _, workspace = place
    section, slots = resources
    if not wait_for_room(section, slots, say, stopper.is_stopping):
        return stopper.ending or Ending.STOPPED
    num_workers = slots()
    config = record.config
    say("opening the feature extractor")
    answer = prepare(work, config, place, record.prepared, None, stopper.is_stopping)
    if answer is None:
        return stopper.ending or Ending.STOPPED
    folders, prepared = answer
    _check_judge(record, prepared)
    say(f"training again on {num_workers} worker{'s' if num_workers > 1 else ''}")
    flag = new_flag()
    stopper.on_stop(desk.close)
    stopper.on_stop(lambda: _raise_flag(flag))
    shared = Shared(config, record.id, workspace.store(config), folders, flag, work)
    run_trials(desk, shared, section, slots)
    if desk.error is not None:
        raise desk.error
    if stopper.ending is not None and not desk.has_everything:
        return stopper.ending
    return Ending.FINISHED


def _check_judge(record: SearchRecord, prepared: Any) -> None:
    stored = (record.prepared or {}).get("extractor_hash")
    current = prepared.get("extractor_hash")
    if stored != current:
        raise IdentityError(
            f"The feature extractor is not the one that `{record.name}` was judged by "
            f"({current!r:.14} for {stored!r:.14}): their FIDs cannot be compared. Restore the "
            "workspace's cache folder, or start a new search."
        )


def _raise_flag(flag: Any) -> None:
    with contextlib.suppress(ray.exceptions.RayError):
        flag.raise_flag.remote()
