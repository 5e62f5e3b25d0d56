"""What samplers know after a driver's end is what they knew before, also in older formats."""

import pytest
import sqlalchemy as sa
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import TrialState as OptunaState
from optuna.trial import create_trial

from search.executor.desk import Desk
from search.study import knowledge as knowledge_module
from search.study import tables
from search.study.database import open_database
from search.study.knowledge import flat_params, read_knowledge
from search.study.old_proposals import has_old_tables, read_old_proposals
from search.study.proposals import Proposals
from search.study.searches import create_search
from search.trial import TrialState
from tests.contracts.study_driver import Driver, StudyFixtures, fake_metrics
from tests.faults import FakeWorkers
from tests.old_proposals import write_old_study
from tests.search.examples import SPACE, make_study
from tests.search.test_any_order import as_known

NAMED = {
    "num_layers": {"type": "int", "low": 1, "high": 2},
    "widths": {"type": "int", "low": 8, "high": 32, "length": "num_layers"},
    "beta": SPACE["beta"],
    "latent_dim": SPACE["latent_dim"],
}


class KnowledgeContract(StudyFixtures):
    @pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "quasi-random", "auto"])
    def test_the_next_driver_proposes_what_this_one_would(self, create, drive, sampler):
        name = create(sampler=sampler, space=NAMED, budget={"trials": 80, "epochs": 1})
        first = drive(name)
        FakeWorkers(1, fake_metrics).serve(Desk(first.writer, 60), num_workers=1)
        first.writer.start_attempt(first.writer.new_trial())  # runs
        first.writer.new_trial()  # waits
        knowledge = read_knowledge(first.reader)
        again = Proposals(first.reader.record(), knowledge)
        assert as_known(again) == as_known(first.proposals)
        for number in range(62, 66):
            assert again.ask(number) == first.proposals.ask(number)

    def test_points_that_were_tried_are_not_tried_again(self, create, drive):
        points = [{"latent_dim": 4}, {"latent_dim": 5, "beta": 0.5}, {"latent_dim": 6}]
        driver = drive(create(first_trials=points))
        for point in points[:2]:
            assert driver.writer.new_trial().params["latent_dim"] == point["latent_dim"]
        again = Proposals(driver.reader.record(), read_knowledge(driver.reader))
        assert again._queue == [{"latent_dim": 6}]

    def test_a_fork_knows_its_source_when_that_is_gone(self, create, drive, url):
        source = drive(create(sampler="tpe"))
        FakeWorkers(1, fake_metrics).serve(Desk(source.writer, 3), num_workers=1)
        known = read_knowledge(source.reader).ended
        config = make_study(name=f"{source.reader.name}-child", sampler="tpe")
        create_search(source.engine, config, {}, known=known)
        child = drive(config.name)
        assert child.reader.record().num_known == 3
        assert read_knowledge(child.reader).known == known
        assert [t.values for t in child.proposals._study.get_trials()] == [t.values for t in known]
        assert child.writer.new_trial().number == 0

    def test_trials_that_come_meanwhile_do_no_harm(self, create, drive, monkeypatch):
        driver = drive(create())
        driver.writer.new_trial()
        read = knowledge_module._read_proposals

        def read_later(reader):
            driver.writer.new_trial()
            return read(reader)

        monkeypatch.setattr(knowledge_module, "_read_proposals", read_later)
        assert len(read_knowledge(driver.reader).own) == 1

    @pytest.mark.parametrize("held", [0, 1])
    def test_what_optunas_tables_hold_of_an_older_format_is_known(self, create, drive, url, held):
        """Of a fork whose space has grown, before or after its tables were left: two trials of its
        source, two of its own."""
        name = create(sampler="quasi-random", first_trials=[{"latent_dim": 9}])
        driver = drive(name)
        for _ in range(2):
            driver.writer.new_trial()
        ranges = {
            "latent_dim": IntDistribution(2, 16),
            "beta": FloatDistribution(0.01, 1, log=True),
        }
        trials = [
            create_trial(
                params={"latent_dim": 2 + number, "beta": 0.1},
                distributions=ranges,
                **({"values": [1.0, 2.0]} if number < 2 else {"state": OptunaState.RUNNING}),
                system_attrs={"fixed_params": {"latent_dim": 9}} if number == 2 else {},
            )
            for number in range(4)
        ]
        study = write_old_study(url, driver.reader.id, trials, generation=held)
        study._storage.set_study_system_attr(study._study_id, "qmc:place", 7)
        with driver.engine.begin() as connection:
            search = sa.update(tables.search).where(tables.search.c.name == name)
            connection.execute(search.values(num_known=2, generation=1))
            own = sa.update(tables.trial).where(tables.trial.c.search_id == driver.reader.id)
            connection.execute(own.values(proposal=sa.null()))
        found = read_knowledge(driver.reader)
        assert [(t.params["latent_dim"], t.values) for t in found.known] == [
            (2, [1.0, 2.0]),
            (3, [1.0, 2.0]),
        ]
        assert [t.notes for t in found.own] == [{"fixed_params": {"latent_dim": 9}}, {}]
        assert found.notes["qmc:place"] == 7
        again = Proposals(driver.reader.record(), found)
        assert again._queue == []
        assert again.ask(2)


class TestSQLite(KnowledgeContract):
    @pytest.fixture
    def url(self, sqlite_url):
        return sqlite_url


class TestPostgreSQL(KnowledgeContract):
    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url


def test_a_new_database_has_no_tables_of_optuna(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'study.db'}")
    create_search(engine, make_study(name="new"), {})
    driver = Driver(str(engine.url), "new")
    FakeWorkers(1, fake_metrics).serve(Desk(driver.writer, 3), num_workers=1)
    driver.close()
    assert not has_old_tables(engine)
    assert read_old_proposals(engine, "id", 0, 0).known == ()


def test_params_are_flat_whatever_their_space_is_now():
    assert flat_params({"widths": [8, 9], "variant": "ae"}) == {
        "widths[0]": 8,
        "widths[1]": 9,
        "variant": "ae",
    }
    assert TrialState.WAITING.is_finished is False
