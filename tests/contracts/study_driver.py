"""A driver of a study without Ray, for the contracts of the study database."""

import math
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from search.study.database import open_database
from search.study.knowledge import read_knowledge
from search.study.lease import Lease
from search.study.proposals import Proposals
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.study.writer import StudyWriter
from search.trial import Measurement
from tests.faults import CommitCounter, abandon
from tests.search.examples import make_study

HOUR = 3600.0  # a lease that neither renews itself nor runs out while a test lasts


class Driver:
    """One process's hold on a search: its own engine, lease, proposals and writer."""

    def __init__(self, url: str, name: str, commits: CommitCounter | None = None):
        self.engine = open_database(url)
        self.reader = StudyReader(self.engine, name)
        self.lease = Lease.take(self.engine, self.reader.id, HOUR)
        self.proposals = Proposals(self.reader.record(), read_knowledge(self.reader))
        if commits is not None:
            commits.watch(self.engine)
        self.writer = StudyWriter(self.engine, self.reader, self.lease, self.proposals)

    def close(self) -> None:
        """Ends as a killed process does: the lease stays, its thread and connections go."""
        abandon(self.lease)
        self.engine.dispose()

    def optuna_states(self) -> list[str]:
        """Returns what Optuna believes of every trial."""
        trials = self.proposals._study.get_trials(deepcopy=False)
        return [trial.state.name for trial in trials]


def measured(epoch: int, fid: float = 1.0, attempt: int = 1) -> Measurement:
    """Returns a measurement of both objectives."""
    return Measurement(epoch, {"fid": fid, "tvd": 0.5}, float(epoch), attempt)


def fake_metrics(params: Any, epoch: int) -> dict[str, float]:
    """Returns objectives that depend on the params; those of a wide model are not finite."""
    fid = params["latent_dim"] + params["beta"] / epoch
    return {"fid": math.nan if params["latent_dim"] > 12 else fid, "tvd": params["beta"]}


class StudyFixtures:
    """Searches of one database and drivers that hold them; a subclass says which database."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError("Return the SQLAlchemy URL of a database.")

    @pytest.fixture
    def create(self, url: str) -> Iterator[Callable[..., str]]:
        """Makes searches with names of their own, so that tests may share a database."""
        engine = open_database(url)

        def create(**changes: Any) -> str:
            name = f"test-{secrets.token_hex(6)}"
            config = make_study(name=name, **changes)
            create_search(engine, config, {"data": "d"})
            return name

        yield create
        engine.dispose()

    @pytest.fixture
    def drive(self, url: str) -> Iterator[Callable[..., Driver]]:
        """Opens drivers, and closes them in the end."""
        drivers: list[Driver] = []

        def drive(name: str, commits: CommitCounter | None = None) -> Driver:
            drivers.append(Driver(url, name, commits))
            return drivers[-1]

        yield drive
        for driver in drivers:
            driver.close()

    @pytest.fixture
    def driver(self, create: Callable[..., str], drive: Callable[..., Driver]) -> Driver:
        return drive(create())

    # Searches
