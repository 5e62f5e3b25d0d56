"""What was submitted runs: once, again after it was lost, and not for ever in vain."""

import itertools
import re
import time

import pytest

from search.errors import LeaseHeldError, SearchError, WorkersError
from search.executor.jobs import Job
from search.study import submissions
from search.study.database import open_database
from search.study.lease import Lease
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.study.submissions import (
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
from search.submitting import pause_after, submit_more, submit_search, supervise
from search.workspace import Workspace
from tests.search.examples import make_study

STARTED = "started job tiny-2-[0-9a-f]+ for the search `tiny`"


class Cluster:
    """A cluster's jobs, which run until they are told to end. The real ones: cluster/smoke.sh."""

    def __init__(self):
        self.jobs: dict[str, str] = {}
        self.commands: list[str] = []
        self.is_away = False

    def start(self, job_id, command, metadata):
        self._check()
        if job_id in self.jobs:
            return False
        self.jobs[job_id] = "running"
        self.commands.append(command)
        return True

    def find(self, job_id):
        return {job.id: job for job in self.all()}.get(job_id)

    def all(self):
        self._check()
        return [Job(name, state, "") for name, state in self.jobs.items()]

    def end(self, state="failed"):
        self.jobs = dict.fromkeys(self.jobs, state)

    def _check(self):
        if self.is_away:
            raise WorkersError("The cluster does not answer.")


@pytest.fixture
def engine(tmp_path):
    place = Workspace.at(tmp_path)
    place.make()
    return open_database(place.study_url)


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when a test says so."""
    now = [time.time()]
    monkeypatch.setattr(submissions.time, "time", lambda: now[0])
    return now


def look(engine, cluster) -> list[str]:
    said: list[str] = []
    supervise(engine, cluster, said.append)
    return said


class TestSubmitting:
    def test_a_search_gets_a_job(self, engine, cluster):
        item, is_new = submit_search(engine, make_study(), cluster)
        assert (item.job_id, is_new) == (next(iter(cluster.jobs)), True)
        assert item.job_id.startswith("tiny-1-")
        assert cluster.commands == ["vaesearch drive tiny"]

    def test_submitting_it_again_attaches(self, engine, cluster):
        submit_search(engine, make_study(), cluster)
        item, is_new = submit_search(engine, make_study(), cluster)
        assert ([item.job_id], is_new) == (list(cluster.jobs), False)

    def test_submitting_it_after_its_end_goes_on_with_it(self, engine, cluster):
        submit_search(engine, make_study(), cluster)
        cluster.end("succeeded")
        unwant(engine, "tiny", "finished")
        item, is_new = submit_search(engine, make_study(), cluster)
        assert item.job_id.startswith("tiny-2-")
        assert (is_new, item.message) == (True, None)

    def test_another_search_of_that_name_is_refused(self, engine, cluster):
        create_search(engine, make_study(), {})
        with pytest.raises(SearchError, match=r"another search `tiny`, with other seed"):
            submit_search(engine, make_study(seed=99), cluster)
        assert list_submissions(engine) == []

    def test_another_study_of_a_search_that_is_still_to_begin_is_refused(self, engine, cluster):
        submit_search(engine, make_study(), cluster)
        with pytest.raises(SearchError, match=r"another search `tiny`, with other seed"):
            submit_search(engine, make_study(seed=99), cluster)

    def test_a_cluster_that_does_not_answer_leaves_nothing_behind(self, engine, cluster):
        cluster.is_away = True
        with pytest.raises(WorkersError, match="does not answer"):
            submit_search(engine, make_study(), cluster)
        assert list_submissions(engine) == []

    def test_a_search_that_another_driver_runs_is_refused(self, engine, cluster):
        create_search(engine, make_study(), {})
        other = open_database(str(engine.url))
        lease = Lease.take(other, StudyReader(engine, "tiny").id)
        with pytest.raises(LeaseHeldError, match="`vaesearch stop tiny` ends that"):
            submit_more(engine, "tiny", WorkKind.SEARCH, {}, cluster)
        lease.release()
        item, _ = submit_more(engine, "tiny", WorkKind.SEARCH, {"trials": 9}, cluster)
        assert dict(item.options) == {"trials": 9}
        with pytest.raises(LeaseHeldError, match=r"`tiny` waits for its turn on the cluster"):
            submit_more(engine, "tiny", WorkKind.SEARCH, {"trials": 19}, cluster)

    def test_a_search_under_way_is_not_confirmed(self, engine, cluster):
        create_search(engine, make_study(), {})
        submit_more(engine, "tiny", WorkKind.SEARCH, {}, cluster)
        with pytest.raises(SearchError, match="A search of `tiny` is under way already"):
            submit_more(engine, "tiny", WorkKind.CONFIRMATION, {"seeds": 3}, cluster)


class TestSupervising:
    def test_a_job_that_runs_is_left_alone(self, engine, cluster):
        submit_search(engine, make_study(), cluster)
        assert look(engine, cluster) == []

    def test_a_lost_head_is_no_end(self, engine, cluster, clock):
        submit_search(engine, make_study(), cluster)
        clock[0] += 3600
        cluster.jobs.clear()  # a new head knows nothing of the old one's jobs
        assert re.fullmatch(
            "started job tiny-2-[0-9a-f]+ for the search `tiny`", *look(engine, cluster)
        )
        assert look(engine, cluster) == []

    def test_a_search_whose_driver_lives_is_left_alone(self, engine, cluster, clock):
        create_search(engine, make_study(), {})
        submit_more(engine, "tiny", WorkKind.SEARCH, {}, cluster)
        lease = Lease.take(open_database(str(engine.url)), StudyReader(engine, "tiny").id)
        clock[0] += 3600
        cluster.jobs.clear()
        assert look(engine, cluster) == []
        lease.release()
        assert re.fullmatch(
            "started job tiny-2-[0-9a-f]+ for the search `tiny`", *look(engine, cluster)
        )

    def test_one_that_fails_at_once_is_tried_less_and_less_often(self, engine, cluster, clock):
        submit_search(engine, make_study(), cluster)
        begun, started = clock[0], []
        while clock[0] < begun + 3600:
            clock[0] += 1
            cluster.end()
            if look(engine, cluster):
                started.append(clock[0] - begun)
        pauses = [later - earlier for earlier, later in itertools.pairwise(started)]
        assert pauses[:4] == [10, 20, 40, 80]
        assert max(pauses) == 600
        assert len(started) < 15

    def test_one_that_ran_for_long_is_started_again_at_once(self, engine, cluster, clock):
        submit_search(engine, make_study(), cluster)
        for _ in range(3):
            clock[0] += 3600
            cluster.end()
            assert len(look(engine, cluster)) == 1
        item = read_submission(engine, "tiny")
        assert (item.num_failures, pause_after(item)) == (0, 5)

    def test_what_is_not_wanted_is_not_started(self, engine, cluster, clock):
        submit_search(engine, make_study(), cluster)
        assert unwant(engine, "tiny", "stopped")
        assert not unwant(engine, "tiny", "finished")
        clock[0] += 3600
        cluster.jobs.clear()
        assert look(engine, cluster) == []
        assert read_submission(engine, "tiny").message == "stopped"

    def test_two_supervisors_start_one_job(self, engine, cluster):
        want(engine, "tiny", WorkKind.SEARCH, "ann")
        item = read_submission(engine, "tiny")
        assert claim_job(engine, item, 0).job_id.startswith("tiny-1-")
        assert claim_job(engine, item, 0) is None

    def test_a_cluster_that_is_away_changes_nothing(self, engine, cluster, clock):
        submit_search(engine, make_study(), cluster)
        cluster.is_away = True
        clock[0] += 3600
        with pytest.raises(WorkersError, match="does not answer"):
            look(engine, cluster)
        assert read_submission(engine, "tiny").num_jobs == 1


class TestSubmissions:
    def test_of_two_at_once_one_is_recorded(self, engine):
        assert want(engine, "tiny", WorkKind.SEARCH, "ann", {"a": 1})
        assert not want(engine, "tiny", WorkKind.SEARCH, "bob", {"a": 2})
        assert read_submission(engine, "tiny").owner == "ann"

    def test_options_are_done_once(self, engine):
        want(engine, "tiny", WorkKind.SEARCH, "ann", options={"trials": 9})
        options_done(engine, read_submission(engine, "tiny"))
        assert read_submission(engine, "tiny").options == {}

    def test_why_a_job_ended_is_kept(self, engine):
        want(engine, "tiny", WorkKind.SEARCH, "ann")
        note_failure(engine, read_submission(engine, "tiny"), "Ray broke down.")
        item = read_submission(engine, "tiny")
        assert (item.is_wanted, item.message) == (True, "Ray broke down.")

    def test_a_job_of_an_earlier_round_ends_no_later_one(self, engine):
        want(engine, "tiny", WorkKind.SEARCH, "ann")
        old = read_submission(engine, "tiny")
        unwant(engine, "tiny", "stopped")
        want(engine, "tiny", WorkKind.SEARCH, "ann", options={"trials": 9})
        assert not is_wanted(engine, old)
        assert not unwant(engine, "tiny", "stopped", old.round)
        options_done(engine, old)
        note_failure(engine, old, "too late")
        assert claim_job(engine, old, 0) is None
        now = read_submission(engine, "tiny")
        assert (now.is_wanted, dict(now.options), now.message) == (True, {"trials": 9}, None)
        assert is_wanted(engine, now)

    def test_what_was_never_submitted(self, engine):
        assert read_submission(engine, "tiny") is None
