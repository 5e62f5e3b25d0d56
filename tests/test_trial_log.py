"""The log of an attempt: everything that was said while it ran, whatever became of it."""

import json
import logging
import re
import subprocess
import sys

import pytest

from search.assignment import Assignment, Round
from search.errors import StoreError
from search.executor import stop_flag
from search.executor.worker import TrialWorker
from search.store import TrialStore, confirmation_folder
from search.trial import Measurement
from search.trial_log import BoundedLines, TrialLog
from search.work import Shared, Work
from tests.search.examples import make_study
from tests.workers import Worker, rounds

TASK = Assignment(3, 2, {"beta": 0.5, "widths": [8, 4]}, seed=11)


class Saved:
    """Where a log is saved, as its store would."""

    def __init__(self):
        self.texts = []

    def __call__(self, text):
        self.texts.append(text)

    @property
    def lines(self):
        """The last text, without its times."""
        return [line.partition(" ")[2] for line in self.texts[-1].splitlines()]


@pytest.fixture
def saved():
    return Saved()


@pytest.fixture
def log(saved):
    return TrialLog(TASK, saved, clock=lambda: 1_700_000_000.5)


class TestBoundedLines:
    def test_few_lines_are_all_kept(self):
        lines = BoundedLines(max_bytes=40)
        for index in range(4):
            lines.add(f"line {index}")
        assert lines.text() == "line 0\nline 1\nline 2\nline 3\n"

    def test_of_many_the_first_and_the_last_are_kept(self):
        lines = BoundedLines(max_bytes=21)
        for index in range(1000):
            lines.add(f"n {index:04d}")
        assert lines.text().splitlines() == [
            *("n 0000", "n 0001", "n 0002"),
            "... 994 lines left out ...",
            *("n 0997", "n 0998", "n 0999"),
        ]

    def test_one_line_is_never_longer_than_a_part(self):
        lines = BoundedLines(max_bytes=100)
        for _ in range(5):
            lines.add("é" * 10_000)
        assert len(lines.text().encode()) < 300


class TestRecording:
    def test_it_begins_with_what_the_attempt_is(self, log, saved):
        assert saved.texts[0].startswith("2023-11-14T22:13:20Z attempt 2 at trial 3, process ")
        assert saved.lines[1:] == ["params: beta=0.5  widths=[8, 4]", "seed: 11"]

    def test_what_is_printed_logged_and_warned_of_is_recorded_and_not_lost(
        self, log, saved, capsys
    ):
        with log.recording():
            sys.stdout.write("printed\nin two lines\n")
            sys.stderr.write("complained\n")
            logging.getLogger("elsewhere").warning("heard")
            logging.getLogger("search.somewhere").info("informed")
            sys.stdout.write("and no end")
        found = "\n".join(saved.lines)
        for line in (
            "stdout: printed",
            "stdout: in two lines",
            "stderr: complained",
            "warning: elsewhere: heard",
            "informed",
            "stdout: and no end",
        ):
            assert line in found.splitlines()
        out, err = capsys.readouterr()
        assert out == "printed\nin two lines\nand no end"
        assert "complained" in err

    def test_advice_against_tracing_many_models_is_not(self, log, saved):
        with log.recording():
            logging.getLogger("tensorflow").warning("5 calls triggered tf.function retracing. T")
            logging.getLogger("tensorflow").warning("Layer f was passed non-serializable values")
        assert [line for line in saved.lines if "tensorflow" in line] == [
            "warning: tensorflow: Layer f was passed non-serializable values"
        ]

    def test_of_a_progress_bar_the_last_state_is_kept(self, log, saved, capsys):
        with log.recording():
            for percent in (10, 50, 100):
                sys.stdout.write(f"\r{percent} %")
        assert saved.lines[-1] == "stdout: 100 %"

    def test_warnings_are_in_the_log_of_every_trial_and_still_shown(self):
        """In a process without pytest, which takes warnings and log messages for itself."""
        code = (
            "import json, logging, sys, warnings\n"
            "from search.assignment import Assignment\n"
            "from search.trial_log import TrialLog\n"
            "texts = []\n"
            "for trial in range(2):\n"
            "    with TrialLog(Assignment(trial, 1, {}, 0), texts.append).recording():\n"
            "        warnings.warn('overflow', RuntimeWarning)\n"
            "        logging.warning('heard')\n"
            "    json.dump(texts.pop(), sys.stdout)\n"
            "    sys.stdout.write('\\n')\n"
        )
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        texts = [json.loads(line) for line in child.stdout.splitlines()]
        assert len(texts) == 2
        for text in texts:
            assert "stderr: <string>:7: RuntimeWarning: overflow" in text
            assert text.count("heard") == 1
        assert child.stderr.count(b"RuntimeWarning: overflow") == 2
        assert child.stderr.count(b"heard") == 2

    def test_an_exception_that_ends_the_process_leaves_its_traceback(self, log, saved):
        with pytest.raises(OSError, match="no such node"), log.recording():
            raise OSError("no such node")
        assert "Traceback (most recent call last):" in saved.lines
        assert saved.lines[-1] == "OSError: no such node"

    def test_everything_is_as_it_was_afterwards(self, log):
        before = (sys.stdout, sys.stderr, logging.getLogger("search").level)
        handlers = list(logging.getLogger().handlers)
        with log.recording():
            assert sys.stdout is not before[0]
        assert (sys.stdout, sys.stderr, logging.getLogger("search").level) == before
        assert logging.getLogger().handlers == handlers

    def test_only_the_first_end_counts(self, log, saved):
        log.end("complete")
        log.end("by the driver")
        assert saved.lines[-1] == "ended: complete"

    def test_a_store_that_refuses_the_log_harms_nothing(self):
        def refuse(_):
            raise StoreError("the disk is full")

        log = TrialLog(TASK, refuse)
        with log.recording():
            sys.stdout.write("goes on\n")
        log.end("complete")


class FakeRun:
    """A training that reports twice, or does what its params say instead."""

    def __init__(self, assignment):
        self._assignment = assignment
        self._epoch = 0

    def next_round(self):
        sys.stdout.write(f"training {self._assignment.trial}\n")
        match self._assignment.params.get("fault"):
            case "bug":
                raise ValueError("shapes do not fit")
            case "store":
                raise StoreError("Cannot write to the store")
        self._epoch += 1
        measurement = Measurement(self._epoch, {"fid": 1.0}, 1.0, self._assignment.attempt)
        return Round([measurement], "complete" if self._epoch == 2 else None)


class FakeBench:
    def start(self, assignment, should_stop):
        return FakeRun(assignment)


class FakeWatch:
    node = "here"

    def __init__(self, flag):
        pass

    def begin(self, trial, attempt):
        pass


def fail_to_open(_):
    raise RuntimeError("no images on this node")


class TestWorker:
    @pytest.fixture(autouse=True)
    def no_flag(self, monkeypatch):
        monkeypatch.setattr(stop_flag, "FlagWatch", FakeWatch)

    @pytest.fixture
    def store(self, tmp_path):
        return TrialStore(str(tmp_path), "id")

    @pytest.fixture
    def worker(self, tmp_path):
        def make(task=TASK, open_bench=lambda _: FakeBench(), root=tmp_path):
            work = Work(None, open_bench, None, None)
            shared = Shared(make_study(), "id", str(root), None, None, work)
            worker = TrialWorker.__new__(TrialWorker)  # as Ray makes it, without Ray
            worker.setup({"assignment": task.to_json()}, shared)
            return worker

        return make

    def test_a_log_is_there_after_every_report_and_says_how_it_ended(self, worker, store):
        running = worker()
        running.step()
        first = store.read_log(3, 2)
        assert first.count("stdout: training 3") == 1
        assert "device: CPU" in first
        assert "ended" not in first
        running.step()
        assert store.read_log(3, 2).count("stdout: training 3") == 2
        assert store.read_log(3, 2).splitlines()[-1].endswith(" ended: complete")

    @pytest.mark.parametrize(
        ("fault", "error", "ended"),
        [
            ("bug", "ValueError: shapes do not fit", "failed: ValueError: shapes do not fit"),
            ("store", "StoreError: Cannot write", "blocked: Cannot write to the store"),
        ],
    )
    def test_a_failure_leaves_its_whole_traceback(self, worker, store, fault, error, ended):
        report = worker(Assignment(3, 2, {"fault": fault}, 1)).step()
        assert report["done"]
        text = store.read_log(3, 2)
        assert re.search(r'File ".*test_trial_log.py", line \d+, in next_round', text)
        assert error in text
        assert f" ended: {ended}" in text.splitlines()[-1]

    def test_what_fails_before_any_trial_is_logged_and_ends_the_process(self, worker, store):
        with pytest.raises(RuntimeError, match="no images on this node"):
            worker(open_bench=fail_to_open).step()
        assert "RuntimeError: no images on this node" in store.read_log(3, 2)

    def test_an_attempt_that_the_driver_ends_says_so_and_the_next_has_its_own(self, worker, store):
        running = worker()
        running.step()
        running.reset_config({"assignment": Assignment(4, 1, {}, 1).to_json()})
        assert (
            store.read_log(3, 2).splitlines()[-1].endswith("by the driver, which knows the reason")
        )
        running.step()
        assert "training 3" not in store.read_log(4, 1)
        assert "training 4" not in store.read_log(3, 2)
        running.cleanup()
        assert (
            store.read_log(4, 1).splitlines()[-1].endswith("by the driver, which knows the reason")
        )

    def test_a_repeat_of_a_confirmation_keeps_its_log_beside_its_checkpoints(
        self, worker, store, tmp_path
    ):
        worker(Assignment(3, 1, {}, 1, repeat=2, epochs=[4, 8])).step()
        repeat = TrialStore(str(tmp_path), confirmation_folder("id", 2, [4, 8]))
        assert "repeat 2 of a confirmation" in repeat.read_log(3, 1)
        assert store.read_log(3, 1) is None

    def test_a_store_that_takes_no_logs_fails_no_trial(self, worker, tmp_path):
        (tmp_path / "file").write_text("where a folder should be")
        running = worker(root=tmp_path / "file")
        running.step()
        assert running.step()["done"]


def test_a_real_training_logs_every_epoch_and_where_it_went_on(tmp_path, folders, saved):
    worker = Worker(tmp_path / "store", folders)
    with TrialLog(TASK, saved).recording():
        list(rounds(worker.attempt(lambda trainer: trainer.epoch == 2)))
    lines = saved.lines
    assert lines[3] == "begins at epoch 0"
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert [line.split()[1] for line in epochs] == ["1", "2"]
    assert all("train_loss=" in line and "fid=" in line for line in epochs)
    with TrialLog(TASK, saved).recording():
        list(rounds(worker.attempt()))
    assert saved.lines[3] == "goes on from epoch 2, step 0 of the next, saved by attempt 1"
    epochs = [line.split()[1] for line in saved.lines if line.startswith("epoch ")]
    assert epochs == ["3", "4"]
