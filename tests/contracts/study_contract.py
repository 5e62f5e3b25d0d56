"""What every study database must do. Subclass `StudyContract` once per database."""

import math

import pytest

from search.config import StudyConfig
from search.errors import NotFoundError, SearchError
from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.requests import (
    Kind,
    open_requests,
    post,
    take_stop_request,
    withdraw_stop_requests,
)
from search.study.searches import create_search
from search.study.writer import MAX_FRUITLESS_ATTEMPTS
from search.trial import Measurement, TrialState
from tests.contracts.study_driver import StudyFixtures, measured
from tests.search.examples import make_study


class StudyContract(StudyFixtures):
    def test_a_search_comes_back_as_it_was_made(self, url, create):
        name = create(objectives={"tvd": "minimize", "fid": "minimize", "elbo": "maximize"})
        record = StudyReader(open_database(url), name).record()
        assert record.config == make_study(name=name, objectives=record.config.objectives)
        assert list(record.config.objectives) == ["tvd", "fid", "elbo"]
        assert (record.identity, record.prepared) == ({"data": "d"}, None)

    def test_a_name_is_given_once(self, url, create):
        config = StudyReader(open_database(url), create()).record().config
        with pytest.raises(SearchError, match=r"is a search `.*` already.*vaesearch resume"):
            create_search(open_database(url), config, {})

    def test_an_unknown_name_is_refused_with_the_known_ones(self, url, create):
        name = create()
        with pytest.raises(NotFoundError, match=f"no search `nobody`.*{name}"):
            StudyReader(open_database(url), "nobody")

    def test_changes_are_events_of_the_history(self, driver):
        config: StudyConfig = driver.reader.record().config
        changed = config.model_copy(update={"sampler": "tpe"})
        driver.writer.change_config(changed, "changed", {"sampler": "tpe"})
        driver.writer.prepare({"floor": {"fid": 0.1}})
        assert driver.reader.record().config == changed
        assert driver.reader.record().prepared == {"floor": {"fid": 0.1}}
        assert [(e.kind, e.details) for e in driver.reader.events()] == [
            ("changed", {"sampler": "tpe"})
        ]

    # Trials

    def test_trials_are_numbered_from_zero_and_seeded_apart(self, driver):
        trials = [driver.writer.new_trial() for _ in range(3)]
        assert [trial.number for trial in trials] == [0, 1, 2]
        assert {trial.state for trial in trials} == {TrialState.WAITING}
        assert len({trial.seed for trial in trials}) == 3
        assert driver.reader.trials() == trials

    def test_points_to_try_come_first(self, create, drive):
        points = [{"latent_dim": 4, "beta": 0.5}, {"latent_dim": 7}]
        driver = drive(create(first_trials=points))
        found = [driver.writer.new_trial().params for _ in range(3)]
        assert found[0] == points[0]
        assert found[1]["latent_dim"] == 7
        assert found[2]["latent_dim"] not in (4, 7) or found[2]["beta"] != 0.5

    def test_attempts_are_numbered_from_one(self, driver):
        trial = driver.writer.new_trial()
        assert driver.writer.start_attempt(trial) == 1
        driver.writer.release_trial(0, 1, "interrupted")
        assert driver.writer.trial(0).state is TrialState.WAITING
        assert driver.writer.start_attempt(driver.writer.trial(0)) == 2
        assert driver.writer.trial(0).state is TrialState.RUNNING
        assert driver.writer.trial(0).num_attempts == 2

    def test_recording_twice_changes_nothing(self, driver):
        driver.writer.start_attempt(driver.writer.new_trial())
        assert driver.writer.record(0, 1, [measured(1), measured(2)]) == 2
        before = driver.reader.measurements_since(0, 0)
        assert driver.writer.record(0, 1, [measured(1, 9.0), measured(2), measured(3)]) == 1
        after = driver.reader.measurements_since(0, 0)
        assert after[:2] == before
        assert [item.epoch for _, item in after] == [1, 2, 3]

    def test_a_stale_attempt_changes_nothing(self, driver):
        writer = driver.writer
        writer.start_attempt(writer.new_trial())
        writer.release_trial(0, 1, "lost")
        writer.start_attempt(writer.trial(0))
        before = writer.trial(0)
        assert writer.record(0, 1, [measured(1)]) == 0
        writer.finish(0, 1, TrialState.COMPLETE)
        writer.release_trial(0, 1, "lost")
        assert writer.trial(0) == before

    def test_what_a_new_attempt_measured_again_is_what_counts(self, driver):
        writer = driver.writer
        writer.start_attempt(writer.new_trial())
        writer.record(0, 1, [measured(1, 5.0), measured(2, 4.0)])
        writer.release_trial(0, 1, "lost")
        writer.start_attempt(writer.trial(0))
        writer.record(0, 2, [measured(1, 5.0), measured(2, 3.0, attempt=2)])
        assert [m.metrics["fid"] for m in writer.trial(0).measurements] == [5.0, 3.0]
        fresh = StudyReader(driver.engine, driver.reader.record().name)
        assert fresh.trials() == driver.reader.trials()

    def test_nan_and_infinity_survive(self, driver):
        driver.writer.start_attempt(driver.writer.new_trial())
        metrics = {"fid": math.nan, "tvd": math.inf, "kl_loss": -math.inf, "beta": 0.1}
        driver.writer.record(0, 1, [Measurement(1, metrics, 1.0)])
        found = driver.writer.trial(0).measurements[0].metrics
        assert math.isnan(found["fid"])
        assert (found["tvd"], found["kl_loss"], found["beta"]) == (math.inf, -math.inf, 0.1)

    @pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED])
    def test_optuna_is_told_every_end(self, driver, state):
        driver.writer.start_attempt(driver.writer.new_trial())
        driver.writer.record(0, 1, [measured(1)])
        driver.writer.finish(0, 1, state, "why")
        driver.writer.finish(0, 1, state, "why")
        assert driver.writer.trial(0).state is state
        assert driver.writer.trial(0).reason == "why"
        told = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
        assert driver.optuna_states() == [told[state.value]]

    @pytest.mark.parametrize("measurements", [[], [measured(1, math.nan)], [measured(1, math.inf)]])
    def test_without_finite_objectives_no_trial_is_complete(self, driver, measurements):
        driver.writer.start_attempt(driver.writer.new_trial())
        driver.writer.record(0, 1, measurements)
        driver.writer.finish(0, 1, TrialState.COMPLETE)
        assert driver.writer.trial(0).state is TrialState.FAILED
        assert "not finite" in (driver.writer.trial(0).reason or "")
        assert driver.optuna_states() == ["FAIL"]

    def test_dying_without_a_new_epoch_fails_a_trial(self, driver):
        writer = driver.writer
        writer.new_trial()
        for attempt in range(1, MAX_FRUITLESS_ATTEMPTS + 1):
            assert writer.trial(0).state is TrialState.WAITING
            writer.start_attempt(writer.trial(0))
            writer.release_trial(0, attempt, "lost", "out of memory")
        assert writer.trial(0).state is TrialState.FAILED
        assert writer.trial(0).reason == (
            "its process died 3 times without a new epoch: out of memory"
        )
        assert driver.optuna_states() == ["FAIL"]

    @pytest.mark.parametrize("saves", ["an epoch", "an interruption"])
    def test_a_fruitful_attempt_starts_the_count_again(self, driver, saves):
        writer = driver.writer
        writer.new_trial()
        for attempt in range(1, 6):
            writer.start_attempt(writer.trial(0))
            is_third = attempt == 3
            if is_third and saves == "an epoch":
                writer.record(0, attempt, [measured(1, attempt=attempt)])
            interrupted = is_third and saves == "an interruption"
            writer.release_trial(0, attempt, "interrupted" if interrupted else "lost")
        assert writer.trial(0).state is TrialState.WAITING

    def test_remeasured_figures_stay_as_they_were_first(self, driver):
        driver.writer.new_trial()
        driver.writer.remeasured(0, 2, {"fid": 1.5, "tvd": math.nan})
        driver.writer.remeasured(0, 2, {"fid": 9.0})
        assert driver.reader.remeasured()[0, 2]["fid"] == 1.5
        assert math.isnan(driver.reader.remeasured()[0, 2]["tvd"])

    # Stop requests

    def test_a_stop_request_is_taken_once(self, driver):
        assert not take_stop_request(driver.engine, driver.reader.id)
        post(driver.engine, driver.reader.id, Kind.STOP)
        assert take_stop_request(driver.engine, driver.reader.id)
        assert not take_stop_request(driver.engine, driver.reader.id)

    def test_a_request_for_an_ended_driver_stops_no_later_one(self, driver):
        post(driver.engine, driver.reader.id, Kind.STOP)
        old = open_requests(driver.engine, driver.reader.id)
        withdraw_stop_requests(driver.engine, old)
        assert not take_stop_request(driver.engine, driver.reader.id)

    def test_a_request_made_while_a_driver_begins_is_meant_for_it(self, driver):
        old = open_requests(driver.engine, driver.reader.id)
        post(driver.engine, driver.reader.id, Kind.STOP)
        withdraw_stop_requests(driver.engine, old)
        assert take_stop_request(driver.engine, driver.reader.id)
