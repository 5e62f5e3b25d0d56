"""The end of a search itself, when nothing adds to its hypervolume, on every study database."""

from search.changing import changed
from search.executor.desk import Desk
from search.study.requests import post_point
from tests.contracts.study_driver import StudyFixtures
from tests.faults import FakeWorkers


class SettlingContract(StudyFixtures):
    def test_a_hypervolume_that_stands_still_ends_the_search(self, create, drive):
        name = create(budget={"trials": 50, "epochs": 1, "still_trials": 4})
        driver = drive(name)
        driver.writer.prepare({"ceiling": {"fid": 2.0, "tvd": 1.0}})
        desk = Desk(driver.writer, 50)
        FakeWorkers(1, lambda *_: {"fid": 1.0, "tvd": 0.5}).serve(desk, num_workers=1)
        assert desk.has_everything
        assert desk.is_settled
        num_trials = len(driver.writer.trials())
        assert num_trials == 5  # one that counted, four that added nothing
        assert Desk(driver.writer, 50).has_everything  # a replay says the same
        prepared = driver.reader.record().prepared
        driver.writer.prepare({**prepared, "still_from": num_trials})
        more = Desk(driver.writer, 50)
        FakeWorkers(1, lambda *_: {"fid": 1.0, "tvd": 0.5}).serve(more, num_workers=1)
        assert len(driver.writer.trials()) == num_trials + 4

    def test_a_settled_search_still_tries_what_people_ask_for(self, create, drive):
        name = create(budget={"trials": 50, "epochs": 1, "still_trials": 2})
        driver = drive(name)
        driver.writer.prepare({"ceiling": {"fid": 2.0, "tvd": 1.0}})
        workers = FakeWorkers(1, lambda *_: {"fid": 1.0, "tvd": 0.5})
        workers.serve(Desk(driver.writer, 50), num_workers=1)
        assert len(driver.writer.trials()) == 3
        driver.writer.new_trial()  # proposed ahead of time, and held back
        post_point(driver.engine, driver.reader.id, {"latent_dim": 5, "beta": 0.5}, retries=0)
        desk = Desk(driver.writer, 50)
        workers.serve(desk, num_workers=1)
        states = [trial.state.value for trial in driver.writer.trials()]
        assert states == ["complete"] * 3 + ["waiting", "complete"]
        assert driver.writer.trial(4).origin == {"retries": 0}
        assert desk.has_everything

    def test_more_to_do_restarts_the_count(self, driver):
        config = changed(driver.reader.record().config, still_trials=7)
        assert config.budget.still_trials == 7
