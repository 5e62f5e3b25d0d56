"""Confirming a front: train it again with fresh seeds. Starting and going on are one act."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

from search.confirm_plan import Plan
from search.driver import check_identity, held
from search.errors import LeaseLostError, SpentError
from search.executor.confirm_desk import ConfirmDesk
from search.models.belongings import use_code
from search.models.images import identity, load_images
from search.models.work import TRAINING
from search.node_sample import NodeSample
from search.report.confirm_progress import ConfirmProgress
from search.stopper import Ending, Stopper, signals_stop, watching
from search.study.confirmations import read_confirmations
from search.study.database import open_database
from search.study.reader import SearchRecord, StudyReader
from search.study.requests import open_requests, withdraw_stop_requests
from search.study.writer import StudyWriter
from search.tracking.projector import projecting
from search.work import Work
from search.workspace import Workspace


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a confirmation.

    Attributes:
        seeds: Trainings of every trial, those that are recorded included.
        epochs: To train all to so many; None for each candidate's own.
        workers: How many run at once; None for what the study file says.
        accept_code_change: Go on although models or metrics were changed since the search began.
    """

    seeds: int = 5
    epochs: int | None = None
    workers: int | None = None
    accept_code_change: bool = False


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Listener:
    """Who hears how it goes.

    Attributes:
        say: Called with a short sentence whenever a new phase begins.
        tell: Called with how far the confirmation is, whenever that changes.
        should_run: As of `search.driver.drive`.
        add_sample: Called from a thread with the load of every node, every ten seconds.
    """

    say: Callable[[str], None]
    tell: Callable[[ConfirmProgress], None] = lambda _: None
    add_sample: Callable[[NodeSample], None] | None = None
    should_run: Callable[[], bool] = lambda: True


def confirm(
    name: str,
    workspace: Workspace,
    wish: Wish,
    listener: Listener,
    work: Work = TRAINING,
    ray: str | None = None,
) -> Ending:
    """Trains a search's front again, and what its error bars overlap, until all is recorded.

    Args:
        name: The search.
        workspace: Its workspace.
        wish: What is asked.
        listener: Who hears how it goes.
        work: What the workers do; by default, train autoencoders.
        ray: As of `search.driver.drive`.

    Raises:
        IdentityError: If images, settings or code are not those the search began with.
        SearchError: If there is no front yet, or it cannot go on. What was measured is kept.
    """
    engine = open_database(workspace.study_url)
    reader = StudyReader(engine, name)
    stopper = Stopper()
    old_requests = open_requests(engine, reader.id)
    with signals_stop(stopper, listener.say), held(engine, reader, workspace) as writer:
        if not listener.should_run():
            return Ending.STOPPED
        record = reader.record()
        plan = Plan(record, reader.trials(), wish.seeds, wish.epochs)
        if not plan.has_front:
            raise SpentError(
                f"`{name}` has no front to confirm: no trial has been measured. "
                f"`vaesearch resume {name}` runs it."
            )
        if plan.next(read_confirmations(reader), ()) is None:
            listener.say("nothing is left to train")
            return Ending.FINISHED
        code = use_code(record.config, workspace)
        dataset = load_images(record.config, workspace.cache)
        current = identity(record.config, dataset)
        check_identity(writer, record, current, wish.accept_code_change)
        withdraw_stop_requests(engine, old_requests)
        writer.mend()
        writer.note("confirmation started", {"seeds": wish.seeds, "epochs": wish.epochs or "own"})
        with (
            watching(stopper, writer, engine, reader.id, hours=None),
            projecting(reader, writer, workspace, listener.say, stopper.is_stopping) as add_sample,
        ):
            listener = dataclasses.replace(listener, add_sample=add_sample)
            desk = ConfirmDesk(
                writer, plan, listener.tell, on_error=lambda: stopper.stop(Ending.STOPPED)
            )
            place = (str(dataset.folder), workspace)
            ending = _run(desk, record, place, (wish, ray, code), stopper, listener, work)
            if ending is Ending.TAKEN_OVER:
                raise LeaseLostError(
                    "Another driver took this search over while this one was stopped or cut off; "
                    "this one ends and has written nothing since."
                )
            _note_end(writer, desk, ending)
    return ending


def _run(
    desk: ConfirmDesk,
    record: SearchRecord,
    place: tuple[str, Workspace],
    asked: tuple[Wish, str | None, Path | None],
    stopper: Stopper,
    listener: Listener,
    work: Work,
) -> Ending:
    # Ray takes a second to import; a command that is refused should not wait for it.
    from search.executor.confirm_session import run_confirmation
    from search.executor.local_cluster import ray_started
    from search.executor.node_stats import watching_nodes
    from search.executor.slots import sharing

    wish, address, code = asked
    section = record.config.resources
    section = section.model_copy(update={"workers": wish.workers or section.workers})
    listener.say("starting Ray" if address is None else f"joining the Ray cluster at {address}")
    store = place[1].store(record.config)
    with (
        ray_started(section, address, store, code),
        sharing(desk.lease, section, is_shared=address is not None) as slots,
        watching_nodes(listener.add_sample, store),
    ):
        resources = (section, slots)
        return run_confirmation(desk, record, place, resources, stopper, listener.say, work)


def _note_end(writer: StudyWriter, desk: ConfirmDesk, ending: Ending) -> None:
    details: dict[str, Any] = {"ending": ending.value}
    if desk.given_up:
        details["given up"] = len(desk.given_up)
    writer.note("confirmation ended", details)
