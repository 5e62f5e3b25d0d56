"""A search with a front, and workers that train it again without training anything."""

import dataclasses
import math
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from search.assignment import Assignment, Round
from search.confirm_plan import Plan
from search.executor.confirm_desk import ConfirmDesk
from search.study.confirmations import Confirmation, read_confirmations
from search.study.database import open_database
from search.study.searches import create_search
from search.trial import Measurement, TrialState
from tests.contracts.study_driver import Driver
from tests.faults import expire
from tests.search.examples import make_study

# FID and TVD after epochs 1 and 2: 0@1, 0@2 and 1@2 are the front, 2 is near the spread of
# trainings, 3 far from everything.
CURVES = (
    ((9.0, 0.10), (4.0, 0.30)),
    ((9.0, 0.50), (6.0, 0.20)),
    ((7.0, 0.40), (6.5, 0.21)),
    ((90.0, 0.90), (80.0, 0.80)),
)


def record_search(driver: Driver, curves: Any = CURVES) -> None:
    """Records trials that were measured after every epoch, through a driver that holds them."""
    for curve in curves:
        trial = driver.writer.new_trial()
        attempt = driver.writer.start_attempt(trial)
        measured = [
            Measurement(epoch, {"fid": fid, "tvd": tvd}, 1.0)
            for epoch, (fid, tvd) in enumerate(curve, start=1)
        ]
        driver.writer.record(trial.number, attempt, measured)
        driver.writer.finish(trial.number, attempt, TrialState.COMPLETE)


def plan_of(driver: Driver, seeds: int = 3, epochs: int | None = None) -> Plan:
    """Returns the plan of a confirmation."""
    return Plan(driver.reader.record(), driver.reader.trials(), seeds, epochs)


def scores(assignment: Assignment, epoch: int) -> dict[str, float]:
    """Returns what a training scores: as in the search, off by a tenth or so, as its seed says."""
    fid, tvd = CURVES[assignment.trial][min(epoch, 2) - 1]
    factors = np.exp(np.random.default_rng([assignment.seed, epoch]).normal(0, 0.1, size=2))
    return {"fid": float(fid * factors[0]), "tvd": float(tvd * factors[1])}


@dataclasses.dataclass
class FakeRepeats:
    """Workers that keep a measurement first and report it second; what they keep outlives them.

    Args:
        metrics: (assignment, epoch) -> what is measured.
        fails: Whether a training fails before it is measured.
    """

    metrics: Callable[[Assignment, int], dict[str, float]] = scores
    fails: Callable[[Assignment], bool] = lambda _: False
    kept: dict[tuple[int, int], list[Measurement]] = dataclasses.field(default_factory=dict)
    order: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    def rounds(self, task: Assignment) -> Iterator[Round]:
        """Yields what a worker says of an assignment, to its end."""
        self.order.append((task.trial, task.repeat))
        if self.fails(task):
            yield Round([], "failed", "the loss became nan in epoch 1")
            return
        done = self.kept.setdefault((task.trial, task.repeat), [])
        known = 0  # the first round repeats what earlier attempts measured
        for epoch in (task.epochs or [])[len(done) :]:
            done.append(Measurement(epoch, self.metrics(task, epoch), 1.0, task.attempt))
            yield Round(done[known:], "complete" if epoch == (task.epochs or [])[-1] else None)
            known = len(done)
        if known == 0:
            yield Round(list(done), "complete")

    def serve(self, desk: ConfirmDesk, num_workers: int = 1, reports: float = math.inf) -> None:
        """Runs assignments, one report of each in turn, until nothing is left or the driver dies.

        Args:
            desk: What hands them out.
            num_workers: At once.
            reports: So many are heard; then everything ends at once.
        """
        live: dict[str, Iterator[Round]] = {}
        names = (f"worker-{number}" for number in range(10_000))
        while not desk.is_done:
            while len(live) < num_workers:
                worker = next(names)
                task = desk.hand_out(worker)
                if task is None:
                    break
                live[worker] = self.rounds(task)
            for worker, rounds in list(live.items()):
                if reports <= 0:
                    return
                reports -= 1
                report = next(rounds)
                desk.hear(worker, report)
                if report.outcome is not None:
                    del live[worker]


def figures(driver: Driver) -> dict[tuple[int, int, int], str]:
    """Returns all that was confirmed; NaN equals itself as text."""
    return {row.key: repr(sorted(row.metrics.items())) for row in read_confirmations(driver.reader)}


def row(trial: int, repeat: int, epoch: int, fid: float, tvd: float) -> Confirmation:
    """Returns a record of one training."""
    return Confirmation(trial, repeat, epoch, {"fid": fid, "tvd": tvd}, 1.0)


# Of the front of `tests.commands.make_search`: 1@1 (FID 4, TVD 0.3) and 0@1 (FID 9, TVD 0.2).
CONFIRMED = [
    *(row(0, k, 1, 11.8 + 0.1 * k, 0.216 + 0.002 * k) for k in (1, 2, 3)),
    *(row(1, k, 1, 5.8 + 0.1 * k, 0.336 + 0.002 * k) for k in (1, 2, 3)),
]


class ConfirmStudy:
    """A search with a front, and the drivers that hold it one after another."""

    def __init__(self, url: str, name: str, **changes: Any):
        engine = open_database(url)
        create_search(engine, make_study(name=name, **changes), {})
        engine.dispose()
        self.url, self.name = url, name
        self.drivers: list[Driver] = []
        record_search(self.next_driver())

    def next_driver(self) -> Driver:
        """Returns a new driver; the one before dies."""
        if self.drivers:
            self.drivers[-1].close()
            expire(self.drivers[-1].engine, self.drivers[-1].reader.id)
        self.drivers.append(Driver(self.url, self.name))
        return self.drivers[-1]


class ConfirmFixtures:
    """What tests of a confirmation's desk need, in a database that their module shares."""

    @pytest.fixture
    def make(self, sqlite_url: str) -> Iterator[Callable[..., ConfirmStudy]]:
        """Makes searches of their own."""
        made: list[ConfirmStudy] = []

        def make(**changes: Any) -> ConfirmStudy:
            made.append(ConfirmStudy(sqlite_url, f"confirm-{secrets.token_hex(6)}", **changes))
            return made[-1]

        yield make
        for study in made:
            study.drivers[-1].close()

    @pytest.fixture
    def driver(self, make: Callable[..., ConfirmStudy]) -> Driver:
        return make().drivers[-1]


def desk_of(
    driver: Driver, seeds: int = 3, epochs: int | None = None, **options: Any
) -> ConfirmDesk:
    """Returns the desk of a confirmation."""
    return ConfirmDesk(driver.writer, plan_of(driver, seeds, epochs), **options)
