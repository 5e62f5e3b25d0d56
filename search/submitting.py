"""Searches on a cluster: submitting one, the job that runs it, and seeing to it that it runs.

What should run is recorded in the study (`search.study.submissions`). A job is nothing but a driver
on the cluster's head: whoever finds that there should be one and is none starts it, and the lease
lets one of them work. So a lost head, a lost job and a submission said twice are the same case.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from search.changing import change
from search.config import StudyConfig, replaced
from search.confirming import Listener, Wish, confirm
from search.driver import Hooks, create, drive
from search.errors import (
    DataError,
    IdentityError,
    LeaseHeldError,
    LeaseLostError,
    NotFoundError,
    SearchError,
    SpentError,
    StoreError,
    StudyConfigError,
)
from search.executor.jobs import Jobs
from search.models.belongings import submitted
from search.stopper import Ending
from search.study.database import open_database
from search.study.lease import current_holder
from search.study.reader import StudyReader, list_names
from search.study.searches import check_same, refuse_other, this_user
from search.study.submissions import (
    Submission,
    WorkKind,
    claim_job,
    is_wanted,
    list_submissions,
    note_failure,
    options_done,
    read_submission,
    unwant,
    want,
)
from search.workspace import Workspace

# A job that ends sooner than this, and should not have, is started again later and later.
_EARLY_SECONDS: Final = 120.0
_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 600.0
# What the next attempt would find again: to be corrected by a person.
_HOPELESS: Final = (
    DataError,
    IdentityError,
    NotFoundError,
    SpentError,
    StoreError,
    StudyConfigError,
)
# Joins the cluster it runs on, and has its own workspace there.
_COMMAND: Final = "vaesearch drive {name}"


def submit_search(engine: sa.Engine, config: StudyConfig, jobs: Jobs) -> tuple[Submission, bool]:
    """Has a search run on a cluster, from its beginning or from where it was.

    Args:
        engine: Of the study database that the cluster's drivers use.
        config: The study file.
        jobs: Of the cluster.

    Returns:
        The submission, and whether it is a new one: submitting a name twice attaches to it.

    Raises:
        SearchError: If there is another search of that name, or the cluster does not answer.
    """
    config = submitted(engine, config)
    waiting = read_submission(engine, config.name)
    if config.name in list_names(engine):
        check_same(engine, config)
    elif waiting is not None and waiting.is_wanted:
        refuse_other(replaced(dict(waiting.study or {})), config)
    study = config.model_dump(mode="json")
    return _submit(engine, jobs, config.name, WorkKind.SEARCH, study=study)


def submit_more(
    engine: sa.Engine, name: str, kind: WorkKind, options: dict[str, Any], jobs: Jobs
) -> tuple[Submission, bool]:
    """Has a search that exists go on, or its front be confirmed, on a cluster.

    Args:
        engine: Of the study database that the cluster's drivers use.
        name: The search.
        kind: Which of the two.
        options: See `Submission`.
        jobs: Of the cluster.

    Returns:
        As `submit_search`.
    """
    holder = current_holder(engine, StudyReader(engine, name).id)
    found = read_submission(engine, name)
    is_under_way = found is not None and found.is_wanted
    is_same = found is not None and found.kind is kind
    if (holder is not None and not is_under_way) or (is_under_way and is_same and options):
        who = f"is run by {holder} now" if holder else "waits for its turn on the cluster"
        raise LeaseHeldError(
            f"`{name}` {who}. `vaesearch stop {name}` ends that; then say it again."
        )
    return _submit(engine, jobs, name, kind, options=options)


def _submit(
    engine: sa.Engine, jobs: Jobs, name: str, kind: WorkKind, **what: Any
) -> tuple[Submission, bool]:
    jobs.all()  # refuses before anything is recorded
    is_new = want(engine, name, kind, this_user(), **what)
    item = read_submission(engine, name)
    assert item is not None
    if not is_new and item.kind is not kind:
        raise SearchError(
            f"A {item.kind.value} of `{name}` is under way already. `vaesearch stop {name}` ends "
            "it; then say this again."
        )
    if _is_idle(engine, item, jobs):
        claimed = claim_job(engine, item, 0)
        if claimed is not None:
            _start(jobs, claimed)
        item = read_submission(engine, name) or item
    return item, is_new


def supervise(engine: sa.Engine, jobs: Jobs, say: Callable[[str], None]) -> None:
    """Starts a job for everything that should run and does not: one look.

    Args:
        engine: Of the study database.
        jobs: Of the cluster.
        say: Called with a sentence for everything that is done.

    Raises:
        WorkersError: If the cluster does not answer.
    """
    for item in list_submissions(engine, only_wanted=True):
        if not _is_idle(engine, item, jobs):
            continue
        ran_seconds = time.time() - item.started_at
        was_early = item.num_jobs > 0 and ran_seconds < _EARLY_SECONDS + pause_after(item)
        if was_early and ran_seconds < pause_after(item):
            continue
        claimed = claim_job(engine, item, item.num_failures + 1 if was_early else 0)
        if claimed is not None:
            _start(jobs, claimed)
            say(f"started job {claimed.job_id} for the {item.kind.value} `{item.name}`")


def pause_after(item: Submission) -> float:
    """Returns how many seconds after a job's start the next one may come."""
    return float(min(_FIRST_PAUSE * 2**item.num_failures, _LONGEST_PAUSE))


def _is_idle(engine: sa.Engine, item: Submission, jobs: Jobs) -> bool:
    """Returns whether nobody works on a submission, and no job is about to."""
    if item.name in list_names(engine):
        if current_holder(engine, StudyReader(engine, item.name).id) is not None:
            return False
    job = None if item.job_id is None else jobs.find(item.job_id)
    return job is None or not job.is_active


def _start(jobs: Jobs, item: Submission) -> None:
    assert item.job_id is not None
    metadata = {"search": item.name, "owner": item.owner, "kind": item.kind.value}
    jobs.start(item.job_id, _COMMAND.format(name=item.name), metadata)


def work_on(name: str, place: Workspace, say: Callable[[str], None], ray: str) -> Ending:
    """Does what was submitted under a name: what a job does, on the cluster's head.

    Args:
        name: Of the search.
        place: The workspace of drivers on the head.
        say: Called with a short sentence whenever a new phase begins.
        ray: Address of the cluster to join.

    Returns:
        How it ended. Unless it was interrupted, it is not wanted any more.

    Raises:
        SearchError: If it cannot be done. It stays wanted if the next job might.
    """
    engine = open_database(place.study_url)
    item = read_submission(engine, name)
    if item is None or not item.is_wanted:
        raise NotFoundError(f"Nothing is to be done for `{name}`.")
    try:
        ending = _work(item, engine, place, say, ray)
    except (LeaseHeldError, LeaseLostError):
        raise
    except _HOPELESS as error:
        unwant(engine, name, str(error), item.round)
        raise
    except SearchError as error:
        note_failure(engine, item, str(error))
        raise
    if ending is not Ending.INTERRUPTED:
        unwant(engine, name, ending.value, item.round)
    return ending


def _work(
    item: Submission,
    engine: sa.Engine,
    place: Workspace,
    say: Callable[[str], None],
    ray: str,
) -> Ending:
    def should_run() -> bool:
        return is_wanted(engine, item)

    options = dict(item.options)
    accept = bool(options.pop("accept_code_change", False))
    if item.kind is WorkKind.CONFIRMATION:
        wish = Wish(**options, accept_code_change=accept)
        listener = Listener(say, should_run=should_run)
        return confirm(item.name, place, wish, listener, ray=ray)
    if item.name not in list_names(engine):
        create(replaced(dict(item.study or {})), place, item.owner)
    if options:
        change(item.name, place, accept_code_change=accept, **options)
    if item.options:  # a code change is accepted by this driver alone
        options_done(engine, item)
    return drive(item.name, place, say, accept, ray=ray, hooks=Hooks(should_run))
