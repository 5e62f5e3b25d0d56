"""stop --trial, retry, enqueue, fork, and a space that grows: the commands on a made search."""

import json

import pytest

from search.changing import change
from search.errors import LeaseHeldError
from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.requests import Kind, open_requests, post_point
from search.trial import TrialState
from tests.commands import Commands, make_search
from tests.contracts.study_driver import Driver


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def place(tmp_path):
    return make_search(tmp_path / "vaesearch-workspace")


def reader(place, name="tiny"):
    return StudyReader(open_database(place.study_url), name)


class TestStopTrial:
    def test_a_trial_that_nobody_runs_ends_at_once(self, call, place):
        driver = Driver(place.study_url, "tiny")
        driver.writer.new_trial()
        driver.lease.release()
        driver.close()
        result = call("stop", "tiny", "--trial", "4")
        assert (result.status, result.out) == (0, "Trial 4 is pruned after epoch 0.\n")
        assert reader(place).trials(4)[0].reason == "stopped by hand"
        assert call("stop", "tiny", "--trial", 4).error == "Trial 4 is pruned already."

    def test_an_unknown_trial_is_named(self, call, place):
        assert "no trial 77: its last is 3" in call("stop", "tiny", "--trial", "77").error


class TestRetry:
    def test_failed_trials_are_asked_for_once(self, call, place):
        assert json.loads(call("retry", "tiny", "--failed", "--json").out)["retried"] == [3]
        assert "No failed trial is left to retry" in call("retry", "tiny", "--failed").error
        found = open_requests(reader(place).engine, reader(place).id, Kind.RETRY)
        assert [item.payload["origin"] for item in found] == [{"retries": 3}]
        assert reader(place).record().num_trials == 5

    def test_any_trial_that_ended_can_be_tried_again(self, call, place):
        result = call("retry", "tiny", "0", "2")
        assert "Will try again: trials 0, 2.\nNext: vaesearch resume tiny" in result.out

    def test_a_trial_that_is_named_twice_is_tried_once(self, call, place):
        result = call("retry", "tiny", "3", "3", "--failed", "--json")
        assert json.loads(result.out)["retried"] == [3]

    def test_nothing_named_is_refused(self, call, place):
        assert "Name trials, or say --failed" in call("retry", "tiny").error


class TestEnqueue:
    def test_a_point_becomes_the_next_trial(self, call, place):
        result = call("enqueue", "tiny", "beta=0.5")
        assert "Will try beta=0.5." in result.out
        assert "The budget is used up. Next: vaesearch resume tiny --trials +1" in result.out
        driver = Driver(place.study_url, "tiny")
        assert driver.writer.new_trial().params["beta"] == 0.5
        driver.lease.release()
        driver.close()

    def test_numbers_are_written_as_people_write_them(self, call, place):
        assert json.loads(call("enqueue", "tiny", "beta=1e-1", "--json").out)["enqueued"] == {
            "beta": 0.1
        }

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (("beat=1",), "`beat` is not in the space. Did you mean `beta`?"),
            (("x=1",), "`x` is not in the space. Known: beta, latent_dim"),
            (("beta=99",), "`beta` takes a number from 0.01 to 1.0. Received: 99."),
            (("latent_dim=3.5",), "`latent_dim` takes a whole number from 2 to 16. Received: 3.5."),
            (("latent_dim=[1,2]",), "`latent_dim` takes one value, not a list"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, call, place, values, message):
        assert message in call("enqueue", "tiny", *values).error
        assert open_requests(reader(place).engine, reader(place).id) == []

    @pytest.mark.parametrize("value", ["beta", "beta=", "=3", "beta=[1", "beta=2024-13-45"])
    def test_what_is_no_pair_is_a_wrong_command_line(self, call, place, value):
        result = call("enqueue", "tiny", value)
        assert result.status == 2
        assert "expected KEY=VALUE" in result.err

    def test_a_name_is_given_once(self, call, place):
        result = call("enqueue", "tiny", "beta=0.5", "beta=0.2")
        assert result.status == 2
        assert "`beta` is given twice" in result.err
        assert open_requests(reader(place).engine, reader(place).id) == []


class TestFork:
    def test_a_fork_with_the_same_study_knows_all_trials(self, call, place, monkeypatch):
        monkeypatch.setattr("search.changing.check_study", lambda *_: _identity(place))
        result = call("fork", "tiny", "child", "--trials", "7")
        assert "Made `child`: its sampler knows 4 trials of `tiny`." in result.out
        record = reader(place, "child").record()
        assert (record.num_known, record.num_trials) == (4, 7)
        assert reader(place, "child").trials() == []
        assert "a search `child` already" in call("fork", "tiny", "child").error

    def test_a_fork_whose_figures_mean_something_else_tries_the_front(
        self, call, place, monkeypatch
    ):
        monkeypatch.setattr("search.changing.check_study", lambda *_: {"data": "other"})
        result = call("fork", "tiny", "child")
        assert "it tries the front of `tiny` first" in result.out
        config = reader(place, "child").record().config
        front = [dict(trial.params) for trial in reader(place).trials()[:2]]
        assert config.first_trials == front
        details = reader(place, "child").events()[0].details
        assert details == {"source": "tiny", "known_trials": 0, "first_trials": 2}

    def test_an_impossible_name_is_refused_in_words(self, call, place):
        error = call("fork", "tiny", "a/b").error
        assert error.startswith("name: expected at most 63 letters, digits, `.`, `_`, `-`, ")
        assert error.endswith("Received: 'a/b'")

    def test_one_that_never_ran_is_not_started(self, call, place, monkeypatch):
        monkeypatch.setattr("search.changing.check_study", lambda *_: _identity(place))
        call("fork", "tiny", "child")
        assert "child is not started." in call("status", "child").out
        assert "not started" in call("list").out


class TestWhere:
    """The next command is told with the workspace, where it is not the default one."""

    @pytest.fixture
    def far(self, tmp_path):
        return make_search(tmp_path / "far away")

    def test_every_next_command_finds_it(self, call, far, monkeypatch):
        monkeypatch.setattr("search.changing.check_study", lambda *_: _identity(far))
        for arguments, command in (
            (("retry", "tiny", "3"), "Next: vaesearch resume tiny"),
            (("enqueue", "tiny", "beta=0.5"), "Next: vaesearch resume tiny --trials +1"),
            (("fork", "tiny", "child"), "Next: vaesearch resume child"),
        ):
            shown = call(*arguments, "--workspace", far.folder).out
            assert shown.endswith(f"{command} --workspace '{far.folder}'\n")
        error = call("stop", "tiny", "--workspace", far.folder).error
        assert f"`vaesearch status tiny --workspace '{far.folder}'`" in error

    def test_the_default_one_needs_no_word(self, call, place):
        assert "--workspace" not in call("retry", "tiny", "3").out


class TestGrow:
    def test_a_wider_range_is_in_the_history(self, call, place, monkeypatch):
        as_it_was(monkeypatch)
        assert call("resume", "tiny", "--widen", "beta=0.001:", "--trials", "+2").status == 0
        study = reader(place)
        assert study.record().config.space["beta"].low == 0.001
        assert study.record().num_trials == 6
        event = study.events()[-1]
        assert (event.kind, event.details) == ("space grown", {"beta": [0.001, None], "trials": 6})
        assert "space grown  beta down to 0.001, trials 6\n" in call("status", "tiny").out
        states = [trial.state for trial in study.trials()]
        assert states == [TrialState.COMPLETE] * 3 + [TrialState.FAILED]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--widen", "beta"), "expected NAME=LOW:HIGH"),
            (("--widen", "beta=1"), "expected NAME=LOW:HIGH"),
            (("--widen", "beta=:"), "expected NAME=LOW:HIGH"),
            (("--widen", "beta=a:b"), "expected NAME=LOW:HIGH"),
            (("--add-choice", "variant"), "expected NAME=VALUE"),
            (("--add-choice", "variant=[a"), "expected NAME=VALUE"),
        ],
    )
    def test_what_cannot_be_read_is_a_wrong_command_line(self, call, place, options, message):
        result = call("resume", "tiny", *options)
        assert result.status == 2
        assert message in result.err

    @pytest.mark.parametrize("option", [("--trials", "+4"), ("--widen", "beta=0.001:")])
    def test_a_search_that_cannot_go_on_is_not_changed(self, call, place, option):
        before = reader(place).record()
        error = call("resume", "tiny", *option).error  # recorded was another identity
        assert "was begun under other conditions" in error
        assert reader(place).record() == before
        assert [event.kind for event in reader(place).events()] == ["driver ended"]

    def test_retries_do_not_count_against_a_larger_budget(self, call, place, monkeypatch):
        as_it_was(monkeypatch)
        driver = Driver(place.study_url, "tiny")
        for _ in range(3):
            post_point(driver.engine, driver.reader.id, {"latent_dim": 4, "beta": 0.5}, retries=0)
        for _ in range(3):
            number = driver.writer.new_trial().number
            attempt = driver.writer.start_attempt(driver.writer.trial(number))
            driver.writer.finish(number, attempt, TrialState.FAILED, "again")
        driver.lease.release()
        driver.close()
        assert call("resume", "tiny", "--trials", "+1").status == 0
        assert reader(place).record().config.budget.trials == 5
        assert reader(place).record().num_trials == 8
        refused = call("resume", "tiny", "--trials", "3").error
        assert "4 finished trials (retries not counted)" in refused

    def test_what_two_people_change_at_once_both_holds(self, place, monkeypatch):
        as_it_was(monkeypatch)
        refused = []

        def meanwhile(*_):
            with pytest.raises(LeaseHeldError, match="is run by") as error:
                change("tiny", place, still_trials=5)
            refused.append(error)
            return {}

        monkeypatch.setattr("search.changing.check_study", meanwhile)
        change("tiny", place, widen={"beta": (0.001, None)})
        assert len(refused) == 1
        change("tiny", place, still_trials=5)
        config = reader(place).record().config
        assert (config.space["beta"].low, config.budget.still_trials) == (0.001, 5)

    def test_what_is_impossible_changes_nothing(self, call, place):
        error = call("resume", "tiny", "--add-choice", "variant=ae").error
        assert "`variant` is not in the space" in error
        assert reader(place).record().generation == 0


def as_it_was(monkeypatch):
    """Has the made search, which recorded nothing of itself, be under the same conditions."""
    monkeypatch.setattr("search.changing.identity", lambda *_: {})
    monkeypatch.setattr("search.changing.check_study", lambda *_: {})
    monkeypatch.setattr("search.cli.run._drive", lambda *_: None)


def _identity(place):
    """Returns what the made search recorded of itself: nothing that could differ."""
    return dict.fromkeys(("data", "objectives", "fixed", "epochs", "measure", "code"))
