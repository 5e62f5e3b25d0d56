"""The real thing: real Ray, real images, real kills. Each test is one sentence of the promise."""

import json
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from search.models.vocabulary import COSTS
from search.stopwatch import PARTS
from search.study.lease import current_holder
from search.trial import TrialState
from tests.running import finished, reader, running, share_cache, wait_until

pytestmark = pytest.mark.slow(minutes=15)

STUDY = """
name: small
dataset: digits
space:
  latent_dim: {type: int, low: 2, high: 8}
  learning_rate: {type: float, low: 0.001, high: 0.003, log: true}
fixed: {widths: [24], batch_size: 64}
budget: {trials: TRIALS, epochs: EPOCHS}
measure: {every_epochs: 50, num_images: 1000}
sampler: tpe
seed: 5
"""

FAILING_STUDY = """
name: small
dataset: digits
space:
  widths: {type: int, low: 8, high: 9000000, log: true, length: 2}  # the largest fits nowhere
  learning_rate: {type: float, low: 0.001, high: 1.0e+30, log: true}
first_trials:
  - {widths: [8, 8], learning_rate: 1.0e+30}
  - {widths: [1000000, 9000000], learning_rate: 0.001}
  - {widths: [8, 8], learning_rate: 0.001}
budget: {trials: 3, epochs: 20}
measure: {every_epochs: 20, num_images: 1000}
"""


def study(folder: Path, trials: int = 3, epochs: int = 40) -> str:
    """Writes a small study and returns its path; its workspace knows the judge of the images."""
    share_cache(folder)
    path = folder / "study.yaml"
    path.write_text(STUDY.replace("TRIALS", str(trials)).replace("EPOCHS", str(epochs)))
    return str(path)


def measured(folder: Path, name: str = "small") -> dict[tuple[int, int], dict[str, float]]:
    """Returns the metrics of every (trial, epoch) but the times, and checks that none repeats."""
    with sqlite3.connect(folder / "ws" / "study.db") as database:
        query = (
            "select trial, epoch, metrics from measurement join search on search.id = search_id "
            "where search.name = ?"
        )
        rows = database.execute(query, (name,)).fetchall()
    keys = [(trial, epoch) for trial, epoch, _ in rows]
    assert len(set(keys)) == len(keys), "a measurement is repeated"
    return {
        (trial, epoch): {k: v for k, v in json.loads(text).items() if k not in COSTS}
        for trial, epoch, text in rows
    }


def num_by_state(folder: Path) -> Counter[str]:
    return Counter(trial.state.value for trial in reader(folder, "small").trials())


def num_measured(folder: Path) -> int:
    return sum(len(t.measurements) for t in reader(folder, "small").trials())


def has_search(folder: Path) -> bool:
    path = folder / "ws" / "study.db"
    if not path.exists():
        return False
    with sqlite3.connect(path) as database:
        tables = {name for (name,) in database.execute("select name from sqlite_master")}
        made = "search" in tables
        return made and database.execute("select 1 from search").fetchone() is not None


def run_until_measured(folder: Path, command, count: int) -> None:
    wait_until(lambda: has_search(folder) and num_measured(folder) >= count, command)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search of one worker that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    path = study(folder, trials=4, epochs=200)
    (folder / "said").write_text(finished(folder, "run", path, "--workers", "1", "--profile"))
    return folder


def test_the_profile_accounts_for_the_workers_time(whole):
    said = (whole / "said").read_text()
    rows = [line.split() for line in said.splitlines()]
    shares = {row[0]: float(row[1][:-1]) for row in rows if len(row) > 3 and row[0] in PARTS}
    assert list(shares) == list(PARTS)
    assert 50 < sum(shares.values()) <= 100.5
    assert min(shares[name] for name in ("train", "compile", "measure", "save", "open")) > 0
    assert "of 4 trainings found their model compiled" in said
    assert "s for 4 proposals of the sampler" in said


def test_every_trial_ends_and_a_front_is_shown(whole):
    trials = reader(whole, "small").trials()
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 4
    assert all(t.last_epoch == 200 and len(t.measurements) == 200 for t in trials)
    assert num_by_state(whole) == {"complete": 4}
    front = json.loads(finished(whole, "pareto", "small", "--json"))
    assert front["front"]
    assert front["floor"]["fid"] < 5 < front["ceiling"]["fid"]
    assert all(member["remeasured"]["fid"] > 0 for member in front["front"])


def test_a_killed_driver_loses_and_repeats_nothing_and_the_search_can_be_extended(whole, tmp_path):
    path = study(tmp_path, trials=4, epochs=200)
    with running(tmp_path, "run", path, "--workers", "1") as command:
        run_until_measured(tmp_path, command, 250)  # the second trial is under way
        command.send(signal.SIGKILL)
        command.wait(status=-signal.SIGKILL)
    finished(tmp_path, "resume", "small")
    trials = reader(tmp_path, "small").trials()
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 4
    assert max(t.num_attempts for t in trials) > 1
    went_on = [t for t in trials if {m.attempt for m in t.measurements} == {1, 2}]
    assert went_on, "no interrupted trial went on from its checkpoint"
    # With one worker and the same seed, the kill has changed not a single figure.
    assert measured(tmp_path) == measured(whole)
    finished(tmp_path, "resume", "small", "--trials", "+2")
    trials = reader(tmp_path, "small").trials()
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 6
    assert num_by_state(tmp_path) == {"complete": 6}
    assert len(measured(tmp_path)) == 6 * 200


def test_a_seeded_search_with_one_worker_repeats_itself(whole, tmp_path):
    finished(tmp_path, "run", study(tmp_path, trials=2, epochs=200), "--workers", "1")
    first_two = {key: value for key, value in measured(whole).items() if key[0] < 2}
    assert measured(tmp_path) == first_two


def test_a_second_driver_is_refused_and_told_who_drives(tmp_path):
    with running(tmp_path, "run", study(tmp_path, epochs=4000)) as command:
        run_until_measured(tmp_path, command, 1)
        refused = finished(tmp_path, "resume", "small", status=1)
        assert f"process {command.process.pid}" in refused
        assert refused.startswith("Error: ")
        stopped = finished(tmp_path, "stop", "small")
        assert "Stopped" in stopped
        command.wait(30)
    assert "vaesearch resume small" in command.output
    assert {t.state for t in reader(tmp_path, "small").trials()} == {TrialState.WAITING}


def test_a_driver_that_slept_past_its_lease_writes_nothing_more(tmp_path):
    lease = {"VAESEARCH_LEASE_SECONDS": "4"}
    with running(tmp_path, "run", study(tmp_path, epochs=500), **lease) as sleeper:
        run_until_measured(tmp_path, sleeper, 1)
        sleeper.send(signal.SIGSTOP)
        search = reader(tmp_path, "small")
        wait_until(lambda: current_holder(search.engine, search.id) is None, sleeper)
        with running(tmp_path, "resume", "small", **lease) as heir:
            wait_until(lambda: any(t.num_attempts > 1 for t in search.trials()), heir)
            sleeper.send(signal.SIGCONT)
            sleeper.wait(60, status=1)
            assert "took this search over" in sleeper.output
            heir.wait()
    measured(tmp_path)  # nothing twice
    assert {t.state for t in search.trials()} == {TrialState.COMPLETE}
    assert num_by_state(tmp_path) == {"complete": 3}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_and_says_how_to_go_on(tmp_path, number):
    with running(tmp_path, "run", study(tmp_path, epochs=4000)) as command:
        run_until_measured(tmp_path, command, 1)
        command.send(number)
        command.wait(30)
    assert "everything is saved" in command.output
    assert "vaesearch resume small" in command.output
    trials = reader(tmp_path, "small").trials()
    assert {t.state for t in trials} == {TrialState.WAITING}
    status = json.loads(finished(tmp_path, "status", "small", "--json"))
    assert status["driver"] is None
    ending = "interrupted" if number == signal.SIGTERM else "stopped"  # a machine goes, or a person
    assert status["history"][-1]["details"]["ending"] == ending


def test_a_trial_that_diverges_and_one_that_cannot_be_built_fail_alone(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(FAILING_STUDY)
    output = finished(tmp_path, "run", str(path))
    trials = reader(tmp_path, "small").trials()
    assert [t.state.value for t in trials] == ["failed", "failed", "complete"]
    assert "the loss became" in (trials[0].reason or "")
    assert "ResourceExhausted" in (trials[1].reason or "")
    assert "the loss became" in output
    assert num_by_state(tmp_path) == {"failed": 2, "complete": 1}


def test_no_port_is_open_beyond_this_machine(tmp_path):
    with running(tmp_path, "run", study(tmp_path, epochs=4000)) as command:
        run_until_measured(tmp_path, command, 1)
        family = [psutil.Process(command.process.pid)]
        family += family[0].children(recursive=True)
        listening = [
            connection.laddr.ip
            for process in family
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening, "Ray listens nowhere: the test looks in the wrong place"
        assert set(listening) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
        command.send(signal.SIGINT)
        command.wait(30)


def test_a_worker_that_dies_costs_only_its_time(tmp_path):
    with running(tmp_path, "run", study(tmp_path, trials=2, epochs=500)) as command:
        run_until_measured(tmp_path, command, 20)
        family = psutil.Process(command.process.pid).children(recursive=True)
        # The largest is one of the two that have loaded TensorFlow.
        max(family, key=lambda process: process.memory_info().rss).kill()
        command.wait()
    trials = reader(tmp_path, "small").trials()
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 2
    assert sorted(t.num_attempts for t in trials) == [1, 2]
    measured(tmp_path)


def test_a_store_that_refuses_ends_the_search_and_loses_nothing(tmp_path):
    with running(tmp_path, "run", study(tmp_path, trials=2, epochs=500)) as command:
        run_until_measured(tmp_path, command, 20)
        record = reader(tmp_path, "small").record()
        trials = tmp_path / "ws" / "store" / record.id / "trials"
        trials.rename(trials.with_name("away"))
        trials.write_text("in the way")
        command.wait(status=1)
    assert "Error: Cannot write to the store" in command.output
    trials.unlink()
    trials.with_name("away").rename(trials)
    finished(tmp_path, "resume", "small")
    assert {t.state for t in reader(tmp_path, "small").trials()} == {TrialState.COMPLETE}
    assert len(measured(tmp_path)) == 2 * 500


def test_a_search_ends_when_its_hours_are_used_up_and_goes_on_with_more(tmp_path):
    path = Path(study(tmp_path, epochs=100_000))
    path.write_text(path.read_text().replace("budget: {", "budget: {hours: 0.005, "))
    output = finished(tmp_path, "run", str(path))
    assert "The search is out of time; everything is saved." in output
    # None yet where the machine was too busy to begin within the 18 seconds.
    assert {t.state for t in reader(tmp_path, "small").trials()} <= {TrialState.WAITING}
    refused = finished(tmp_path, "resume", "small", status=1)
    assert "has used up its 0.005 hours" in refused
    assert "--hours" in refused
    with running(tmp_path, "resume", "small", "--hours", "1") as command:
        before = num_measured(tmp_path)
        wait_until(lambda: num_measured(tmp_path) > before, command)
        command.send(signal.SIGINT)
        command.wait(30)


def test_a_search_on_other_images_is_not_resumed(tmp_path):
    np.savez(tmp_path / "a.npz", images=_images(0), labels=np.arange(120) % 3)
    path = Path(study(tmp_path, trials=1, epochs=20))
    path.write_text(path.read_text().replace("dataset: digits", "dataset: a.npz"))
    finished(tmp_path, "run", str(path))
    np.savez(tmp_path / "a.npz", images=_images(1), labels=np.arange(120) % 3)
    output = finished(tmp_path, "resume", "small", "--trials", "+1", status=1)
    assert "begun under other conditions" in output
    assert "data: " in output
    assert len(reader(tmp_path, "small").trials()) == 1


def _images(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (120, 8, 8), dtype=np.uint8)
