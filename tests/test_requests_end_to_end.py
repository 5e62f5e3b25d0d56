"""Attempts that ask something else of Ray than others before: all get their turn, on a real Ray."""

import logging
import time
from types import SimpleNamespace

import pytest
import ray

from search.assignment import Assignment, Round
from search.executor import run
from search.executor.placement import Placement
from search.executor.slots import Slots
from search.executor.stop_flag import StopFlag
from search.executor.worker import TrialWorker
from search.sections import ResourcesSection
from search.work import Shared, Work

HANGS_SECONDS = 120.0


class NoGPUWorker(TrialWorker):
    """A worker whose GPU is only a number in Ray's books."""

    def _limit_memory(self):
        pass

    def _save_log(self, text):
        pass


class NoBench:
    """Trials of a second each; the first runs out of memory unless it is alone."""

    def start(self, assignment, should_stop):
        return SimpleNamespace(next_round=lambda: self.end(assignment))

    def end(self, assignment):
        time.sleep(1 if assignment.trial != 1 else 4)
        is_too_large = assignment.trial == 0 and not assignment.is_alone
        return Round([], "exhausted" if is_too_large else "complete", "no memory")


class SmallDesk:
    """Hands out trials, and once more alone what ran out of memory."""

    def __init__(self, num_trials):
        self._waiting = [(number, False) for number in range(num_trials)]
        self._live = {}
        self._deadline = time.monotonic() + HANGS_SECONDS
        self.ended = []
        self.is_closed = False
        self.error = None

    @property
    def is_done(self):
        return self.is_closed or not (self._live or self._waiting)

    @property
    def num_live(self):
        return len(self._live)

    @property
    def num_wanted(self):
        return len(self._live) + len(self._waiting)

    def hand_out(self, worker):
        if self.is_closed or not self._waiting:
            return None
        self._live[worker], is_alone = self._waiting.pop(0)
        return Assignment(self._live[worker], 1, {}, 1, is_alone=is_alone)

    def hear(self, worker, report):
        number = self._live.pop(worker)
        if report.outcome == "exhausted":
            self._waiting.insert(0, (number, True))
        else:
            self.ended.append(number)

    def is_stopped(self, worker):
        return False

    def lose(self, worker):
        self._live.pop(worker, None)

    def look(self):
        self.is_closed |= time.monotonic() > self._deadline

    def end(self):
        pass

    def keep(self, num):
        pass

    def note(self, kind, details):
        pass

    def note_cause(self, worker, cause):
        pass


@pytest.fixture
def ray_with_a_gpu():
    ray.init(
        address="local",
        num_cpus=4,
        num_gpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.CRITICAL,
        _node_ip_address="127.0.0.1",
        runtime_env={"env_vars": {"CUDA_VISIBLE_DEVICES": "-1"}},
    )
    yield
    ray.shutdown()


def run_all(num_trials, resources, folder, monkeypatch):
    """Returns which trials ended."""
    monkeypatch.setattr(run, "TrialWorker", NoGPUWorker)
    desk, work = SmallDesk(num_trials), Work(None, lambda _: NoBench(), None, None)
    config = SimpleNamespace(resources=resources)
    shared = Shared(config, "id", str(folder), None, StopFlag.remote(), work)
    run.run_trials(desk, shared, resources, Slots(resources))
    return sorted(desk.ended)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_with_a_gpu")
class TestRequests:
    def test_a_trial_that_needs_a_gpu_for_itself_gets_it(self, tmp_path, monkeypatch):
        resources = ResourcesSection(gpus=0.5, workers=2)
        assert run_all(4, resources, tmp_path, monkeypatch) == [0, 1, 2, 3]

    def test_processes_of_nodes_that_are_out_of_use_make_room(self, tmp_path, monkeypatch):
        """As when a node is set aside: the next attempts ask for others than it."""
        request = Placement.request
        asked = []

        def changing(placement, is_alone=False):
            asked.append(None)
            if len(asked) == 3:
                placement.set_aside.add("0" * 56)
            return request(placement, is_alone)

        monkeypatch.setattr(Placement, "request", changing)
        resources = ResourcesSection(cpus=2, workers=2)
        assert run_all(5, resources, tmp_path, monkeypatch) == [0, 1, 2, 3, 4]
