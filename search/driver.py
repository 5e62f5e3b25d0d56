"""A driver: the one process that writes a search. Starting, resuming and extending are one act."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, final

import sqlalchemy as sa

from search.candidates import front_candidates
from search.config import StudyConfig
from search.errors import IdentityError, LeaseLostError, SpentError
from search.executor.desk import Desk
from search.files import Files
from search.importing import without_collecting
from search.models.belongings import use_code, with_code
from search.models.corners import corner_models, refuse_ignored
from search.models.images import differences, identity, load_images, with_absolute_paths
from search.models.work import TRAINING
from search.node_sample import NodeSample
from search.on_end import telling_end
from search.quota import keeping_quota
from search.samplers import choose_sampler
from search.showcase import Showcase
from search.spending import Spending
from search.stopper import Ending, Stopper, signals_stop, watching
from search.study.database import open_database
from search.study.knowledge import read_knowledge
from search.study.lease import Lease, active_seconds
from search.study.own_code import keep_code
from search.study.proposals import Proposals
from search.study.reader import SearchRecord, StudyReader
from search.study.requests import open_requests, withdraw_stop_requests
from search.study.searches import create_search
from search.study.writer import StudyWriter
from search.tracking.projector import projecting
from search.work import Work
from search.workspace import Workspace


@final
@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Where a search is run.

    Attributes:
        dataset_folder: Its images on this machine.
        workspace: Where it lives.
        ray: Address of a Ray cluster, None for this machine.
        code: Folder of the user's code, None if it has none.
    """

    dataset_folder: str
    workspace: Workspace
    ray: str | None
    code: Path | None


def create(config: StudyConfig, workspace: Workspace, owner: str | None = None) -> None:
    """Records a new search, after reading and checking its images. Starts nothing.

    Args:
        config: The study file.
        workspace: Where it is to live.
        owner: Whose search it is; by default, this process's user.

    Raises:
        SearchError: If the study cannot work; nothing has been made then.
    """
    with workspace.made():
        config, archive = with_code(config, lambda: open_database(workspace.study_url))
        use_code(config, workspace, archive)
        found = check_study(config, workspace)
        engine = open_database(workspace.study_url)
        if archive is not None:
            keep_code(engine, archive)
        create_search(engine, with_absolute_paths(config), found, owner=owner)


def check_study(config: StudyConfig, workspace: Workspace) -> dict[str, Any]:
    """Returns the identity of a search of a study, after checking that it can be run.

    This process may import the study's code already.

    Raises:
        SearchError: If it cannot work: its store's address, its images, a corner of its space, its
            sampler.
    """
    if config.store is not None:
        Files(config.store)  # refuses an address with a password in it
    dataset = load_images(config, workspace.cache)
    refuse_ignored(config)
    corner_models(config, dataset.image_shape)  # refuses an impossible space
    choose_sampler(config)  # refuses one that cannot work on it
    return identity(config, dataset)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Hooks:
    """What a driver asks and tells besides how it goes.

    Attributes:
        should_run: Asked once the search is held: whoever told it to end before then found no
            driver that would have heard it.
        account: Called, if trials were run, with where the workers' time went.
    """

    should_run: Callable[[], bool] = lambda: True
    account: Callable[[Spending], None] = lambda _: None


def drive(
    name: str,
    workspace: Workspace,
    say: Callable[[str], None],
    accept_code_change: bool = False,
    work: Work = TRAINING,
    ray: str | None = None,
    hooks: Hooks = Hooks(),
) -> Ending:
    """Runs a search until it is finished or told to stop: its first start and every later one.

    Args:
        name: The search.
        workspace: Its workspace.
        say: Called with a short sentence whenever a new phase begins.
        accept_code_change: Go on although the code of models or metrics is not the one that the
            search began with. Its history will say so.
        work: What the workers do; by default, train autoencoders.
        ray: Address of a Ray cluster to join, such as "auto"; None to start Ray on this machine.
        hooks: What else is asked and told.

    Raises:
        IdentityError: If images, settings or code are not those the search began with.
        SearchError: If the search cannot be run or go on. What was measured is kept.
    """
    engine = open_database(workspace.study_url)
    reader = StudyReader(engine, name)
    stopper = Stopper()
    old_requests = open_requests(engine, reader.id)
    with (
        telling_end(reader, workspace, say) as outcome,
        signals_stop(stopper, say),
        held(engine, reader, workspace) as writer,
    ):
        if not hooks.should_run():
            return Ending.STOPPED
        record = reader.record()
        code = use_code(record.config, workspace)
        dataset = load_images(record.config, workspace.cache)
        check_identity(writer, record, identity(record.config, dataset), accept_code_change)
        hours = record.config.budget.hours
        _check_hours(name, hours, active_seconds(engine, reader.id))
        withdraw_stop_requests(engine, old_requests)
        writer.mend()
        writer.note("driver started", {"sampler": writer.proposals.sampler_name})
        with (
            watching(stopper, writer, engine, reader.id, hours),
            keeping_quota(reader, workspace, stopper, say),
            projecting(reader, writer, workspace, say, stopper.is_stopping) as add_sample,
        ):
            if _is_whole(reader, writer, Showcase(workspace.store(record.config), reader.id)):
                say("nothing is left to run")
                ending = Ending.FINISHED
            else:
                outcome.has_begun = True
                place = _Place(str(dataset.folder), workspace, ray, code)
                held_search = (reader, writer, stopper)
                ending = _run(held_search, place, say, work, add_sample, hooks.account)
            if ending is Ending.TAKEN_OVER:
                raise LeaseLostError(
                    "Another driver took this search over while this one was stopped or cut off; "
                    "this one ends and has written nothing since."
                )
            writer.note("driver ended", {"ending": ending.value})
        outcome.ending = ending
    return ending


def check_identity(
    writer: StudyWriter,
    record: SearchRecord,
    current: Mapping[str, Any],
    accept_code_change: bool,
) -> None:
    """Refuses a search whose new measurements could not be compared with its old ones."""
    different = differences(record.identity, current)
    only_code = different and {**record.identity, "code": current["code"]} == current
    if only_code and accept_code_change:
        writer.change_identity(current, {"code": current["code"]})
    elif different:
        remedy = "say --accept-code-change" if only_code else "undo that"
        raise IdentityError(
            f"`{record.name}` was begun under other conditions, and its measurements could not be "
            f"compared with new ones. {'; '.join(different)}. Either {remedy}, or start a new "
            "search."
        )


def _check_hours(name: str, hours: float | None, used_seconds: float) -> None:
    if hours is not None and used_seconds >= hours * 3600:
        raise SpentError(
            f"`{name}` has used up its {hours:g} hours. Give it more: "
            f"vaesearch resume {name} --hours {2 * hours:g}"
        )


def _is_whole(reader: StudyReader, writer: StudyWriter, showcase: Showcase) -> bool:
    """Returns whether every trial has ended and the front was measured again and drawn."""
    record = reader.record()
    if record.prepared is None or not Desk(writer, record.config.budget.trials).has_everything:
        return False
    front = front_candidates(record.config, reader.trials())
    is_measured = set(front) <= set(reader.remeasured())
    return is_measured and all(showcase.names(*key) for key in front)


def _run(
    held_search: tuple[StudyReader, StudyWriter, Stopper],
    place: _Place,
    say: Callable[[str], None],
    work: Work,
    add_sample: Callable[[NodeSample], None] | None,
    account: Callable[[Spending], None],
) -> Ending:
    # Ray takes a second to import; a command that is refused should not wait for it.
    from search.executor.local_cluster import ray_started
    from search.executor.node_stats import watching_nodes
    from search.executor.slots import sharing

    reader, writer, stopper = held_search
    address = place.ray
    say("starting Ray" if address is None else f"joining the Ray cluster at {address}")
    config = reader.record().config
    store = place.workspace.store(config)
    # Ray Tune takes a second to import, and Ray three to start, in which this process waits.
    importing = threading.Thread(target=_import_session)
    importing.start()
    with (
        ray_started(config.resources, address, store, place.code),
        sharing(writer.lease, config.resources, is_shared=address is not None) as slots,
        watching_nodes(add_sample, store),
    ):
        importing.join()
        from search.executor.session import Session

        session = Session(reader, writer, place.workspace, stopper, say, work)
        try:
            return session.run(place.dataset_folder, slots)
        finally:
            account(session.spending)


def _import_session() -> None:
    with without_collecting():
        import search.executor.session  # noqa: F401


@contextlib.contextmanager
def held(engine: sa.Engine, reader: StudyReader, workspace: Workspace) -> Iterator[StudyWriter]:
    """Holds the search's lease; every commit inside is fenced by it."""
    lease = Lease.take(engine, reader.id)
    try:
        proposals = Proposals(reader.record(), read_knowledge(reader))
        yield StudyWriter(engine, reader, lease, proposals)
    finally:
        lease.release()
