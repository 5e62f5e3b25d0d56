"""`status` as people read it: whole rows, what changed, and what is to be tried next."""

import json

import pytest
from rich.console import Console

from search.cli.live import show_while
from search.report.history import history_lines
from search.study import tables
from search.study.database import open_database
from search.study.reader import Event, StudyReader
from search.study.requests import post_point
from search.trial import TrialState
from tests.commands import Commands, make_search
from tests.contracts.study_driver import Driver
from tests.search.examples import SPACE, make_study

REASON = "halving: rank 7 of 9 after epoch 4, behind 0@4, 2@4, 3@4, 5@4, 6@4 and 8@4, the front"


@pytest.fixture
def place(tmp_path):
    return make_search(tmp_path / "vaesearch-workspace")


@pytest.fixture
def call(monkeypatch, capsys, tmp_path, place):
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def narrow(monkeypatch):
    """A terminal of 80 columns."""
    console = Console(width=80)
    monkeypatch.setattr("search.cli.look.console", console)


def words(text):
    """Returns a text without what folding and columns have put between its words."""
    return " ".join(text.split())


class TestRows:
    def test_a_narrow_terminal_cuts_nothing_off(self, call, place, narrow):
        driver = Driver(place.study_url, "tiny")
        trial = driver.writer.new_trial()
        attempt = driver.writer.start_attempt(trial)
        driver.writer.finish(trial.number, attempt, TrialState.PRUNED, REASON)
        driver.lease.release()
        driver.close()
        shown = call("status", "tiny").out
        assert "…" not in shown
        assert all(len(line) <= 80 for line in shown.splitlines())
        assert REASON in words(shown)
        assert f"latent_dim={trial.params['latent_dim']}" in shown  # its params stand there too


class TestPoints:
    def test_what_is_to_be_tried_next_is_shown(self, call, place):
        assert "enqueued" not in call("status", "tiny").out
        call("enqueue", "tiny", "beta=0.5", "latent_dim=8")
        call("retry", "tiny", "3")
        shown = call("status", "tiny").out
        assert "2 points enqueued:\n  beta=0.5  latent_dim=8\n  trial 3 again: latent_dim=" in shown
        found = json.loads(call("status", "tiny", "--json").out)["enqueued"]
        assert found[0] == {
            "params": {"beta": 0.5, "latent_dim": 8},
            "origin": {"enqueued": True},
        }
        assert found[1]["origin"] == {"retries": 3}

    def test_one_that_has_become_a_trial_is_gone(self, call, place):
        reader = StudyReader(open_database(place.study_url), "tiny")
        post_point(reader.engine, reader.id, {"beta": 0.5})
        assert "1 point enqueued:\n" in call("status", "tiny").out
        driver = Driver(place.study_url, "tiny")
        driver.writer.new_trial()
        driver.lease.release()
        driver.close()
        assert "enqueued:" not in call("status", "tiny").out


class TestHistory:
    def test_json_keeps_details_apart(self, call, place):
        driver = Driver(place.study_url, "tiny")
        driver.writer.note("on_end failed", {"what": "webhook", "time": "late"})
        driver.lease.release()
        driver.close()
        last = json.loads(call("status", "tiny", "--json").out)["history"][-1]
        assert last.keys() == {"time", "what", "details"}
        assert last["what"] == "on_end failed"
        assert last["details"] == {"what": "webhook", "time": "late"}

    def test_up_to_twenty_events_are_all_shown(self):
        events = [Event(0.0, "driver started", {"sampler": "tpe"})] * 20
        lines = list(history_lines(make_study(), events))
        assert len(lines) == 20
        assert lines[0].endswith("driver started  sampler tpe")

    def test_of_a_long_history_no_change_is_left_out(self):
        change = Event(1.0, "changed", {"trials": 40})
        code = Event(1.0, "code change accepted", {"code": "abc"})
        starts = [Event(float(n), "driver started", {"sampler": f"s{n}"}) for n in range(30)]
        stops = [Event(2.0, "trial stopped early", {"trial": 1})] * 30
        lines = list(
            history_lines(make_study(), [change, *starts[:15], *stops, code, *starts[15:]])
        )
        told = [line.split("  ", 1)[1] for line in lines[:-1]]
        last = [f"driver started  sampler s{n}" for n in range(24, 30)]
        assert told == ["changed  trials 40", "code change accepted  code abc", *last]
        assert lines[-1] == "... 24 earlier events are left out; --json shows all."

    @pytest.mark.parametrize(
        ("details", "said"),
        [
            ({"beta": [None, 10.0]}, "beta up to 10.0"),
            ({"latent_dim": [1, 32], "trials": 9}, "latent_dim down to 1 and up to 32, trials 9"),
            ({"variant": ["ae", "rae"]}, "variant also ae or rae"),
        ],
    )
    def test_a_grown_space_is_told_in_words(self, details, said):
        variant = {"type": "categorical", "choices": ["vae", "ae", "rae"]}
        study = make_study(space={**SPACE, "variant": variant})
        (line,) = history_lines(study, [Event(0.0, "space grown", details)])
        assert line.endswith(f"space grown  {said}")


class TestOwners:
    def test_what_each_has_used_is_shown(self, call, place):
        for name, owner in (("a", "ann"), ("b", "ann"), ("c", "bob")):
            make_search(place.folder, name, resources={"cpus": 2, "gpus": 0.5})
            with open_database(place.study_url).begin() as connection:
                table = tables.search
                found = table.update().where(table.c.name == name)
                connection.execute(found.values(owner=owner))
                connection.execute(tables.attempt.update().values(started_at=0.0, ended_at=1800.0))
        call("delete", "tiny", "--yes")
        shown = call("list").out
        assert shown.endswith(
            "Owner ann; 8.00 core-hours so far, 2.00 GPU-hours.\n"
            "Owner bob; 4.00 core-hours so far, 1.00 GPU-hours.\n"
        )
        assert "Owner bob; 4.00 core-hours so far, 1.00 GPU-hours." in call("status", "c").out

    def test_one_alone_is_not_summed(self, call):
        assert "core-hours" not in call("list").out


class TestLines:
    def test_what_the_driver_says_stands_after_the_trials_that_ended_before(self, place, capsys):
        driver = Driver(place.study_url, "tiny")
        with show_while("tiny", place) as say:
            trial = driver.writer.new_trial()
            attempt = driver.writer.start_attempt(trial)
            driver.writer.finish(trial.number, attempt, TrialState.FAILED, "a reason")
            say("measuring the front")
        driver.lease.release()
        driver.close()
        first, second = capsys.readouterr().out.splitlines()
        assert "a reason" in first
        assert second == "measuring the front"
