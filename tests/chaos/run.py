"""Disturbing a search at random, and what must hold in the end."""

import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import mlflow

from search.early_stopping import make_early_stopping
from search.study.knowledge import read_knowledge
from search.study.lease import current_holder
from search.study.proposals import Proposals
from search.tracking.client import EXPERIMENT
from search.trial import TrialState
from tests.chaos.faults import FAULTS, Fault, small_disk, stop_sql
from tests.chaos.harness import EPOCHS, Chaos
from tests.chaos.work import expected, fails
from tests.postgres import PostgresServer, programs

_STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


def run(num_faults: int, seed: int, say: Any = print) -> dict[str, Any]:
    """Runs a search that is disturbed `num_faults` times; returns figures of what happened."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vaesearch-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = _postgres(folder)
        (folder / "search").mkdir()
        chaos = Chaos(folder / "search", postgres)
        try:
            with small_disk(chaos.store):
                chaos.start_mlflow()
                faults = _disturb(chaos, num_faults, random.Random(seed), say)
                chaos.finish()
                figures = check(chaos)
        finally:
            chaos.close()
            left = chaos.left_over()
            if postgres is not None:
                postgres.stop()
        assert left == [], f"processes were left behind: {left}"
    minutes = (time.monotonic() - started) / 60
    return {"faults": dict(faults), **figures, **chaos.counts, "minutes": round(minutes, 1)}


def _postgres(folder: Path) -> PostgresServer | None:
    if programs() is None:
        return None
    place = folder / "postgres"
    place.mkdir()
    server = PostgresServer(place)
    server.start()
    return server


def _disturb(chaos: Chaos, num_faults: int, chance: random.Random, say: Any) -> Counter[str]:
    possible = [fault for fault in FAULTS if chaos.postgres or fault is not stop_sql]
    done: Counter[str] = Counter()
    for fault in _order(possible, num_faults, chance):
        chaos.go_on()
        time.sleep(chance.uniform(0.0, 1.5))
        if not chaos.is_running:
            chaos.go_on()
        say(f"{sum(done.values()) + 1}/{num_faults} {fault.__name__}")
        fault(chaos, chance)
        done[fault.__name__] += 1
    return done


def _order(possible: list[Fault], count: int, chance: random.Random) -> list[Fault]:
    """Returns every fault once before any comes again, in a random order."""
    faults: list[Fault] = []
    while len(faults) < count:
        faults += chance.sample(possible, len(possible))
    return faults[:count]


def check(chaos: Chaos) -> dict[str, Any]:
    """Checks what must hold of a search in the end, however it was disturbed."""
    study = chaos.reader()
    record, trials = study.record(), study.trials()
    assert [trial.number for trial in trials] == list(range(record.num_trials)), "lost or twice"
    assert all(trial.state.is_finished for trial in trials)
    for trial in trials:
        epochs = [item.epoch for item in trial.measurements]
        assert epochs == list(range(1, len(epochs) + 1)), f"trial {trial.number}: {epochs}"
        wanted = expected(trial.params, trial.seed, EPOCHS)
        for item, figures in zip(trial.measurements, wanted, strict=False):
            assert {name: item.metrics[name] for name in figures} == figures, trial.number
        if fails(trial.seed) and trial.state is not TrialState.PRUNED:
            assert (trial.state, len(epochs)) == (TrialState.FAILED, 2), trial.reason
        elif trial.state is TrialState.COMPLETE:
            assert len(epochs) == EPOCHS
        else:
            assert trial.state is TrialState.PRUNED, trial.reason
    recorded = [(t, item.attempt, item.epoch) for t, item in study.recorded()]
    assert len(set(recorded)) == len(recorded), "a measurement was recorded twice"
    pruned = {trial.number for trial in trials if trial.state is TrialState.PRUNED}
    assert pruned == _replayed(chaos), "the stops are not those of a replay"
    assert current_holder(study.engine, study.id) is None, "a lease is stuck"
    _check_optuna(chaos, trials)
    _check_mlflow(chaos, trials)
    attempts = sum(trial.num_attempts for trial in trials)
    states = Counter(trial.state.value for trial in trials)
    return {"trials": len(trials), **states, "attempts": attempts, "measurements": len(recorded)}


def _replayed(chaos: Chaos) -> set[int]:
    study = chaos.reader()
    params = {trial.number: dict(trial.params) for trial in study.trials()}
    rule = make_early_stopping(study.record().config)
    shown = [(number, rule.observe(number, params[number], m)) for number, m in study.recorded()]
    return {number for number, stop in shown if stop is not None}


def _check_optuna(chaos: Chaos, trials: Any) -> None:
    proposals = Proposals(chaos.reader().record(), read_knowledge(chaos.reader()))
    told = [_STATES[trial.state.name] for trial in proposals._study.get_trials(deepcopy=False)]
    assert told == [trial.state.value for trial in trials]


def _check_mlflow(chaos: Chaos, trials: Any) -> None:
    client = mlflow.MlflowClient(f"http://127.0.0.1:{chaos._mlflow_port}")
    experiment = client.get_experiment_by_name(EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id], max_results=10_000)
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    names = sorted(run.info.run_name for run in children)
    wanted = [f"trial-{trial.number:05d}" for trial in trials if trial.started_at]
    missing, double = Counter(wanted) - Counter(names), Counter(names) - Counter(wanted)
    assert missing == double == Counter()
    states = {run.info.run_name: run.data.tags["vaesearch.state"] for run in children}
    for trial in trials:
        if trial.started_at:
            assert states[f"trial-{trial.number:05d}"] == trial.state.value
    assert len(runs) == len(children) + 1
