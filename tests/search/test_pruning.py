"""Pruning: whatever goes wrong in the middle, the front stays readable and what runs is left."""

import shutil
from pathlib import Path

import pytest

from search.candidates import front_candidates
from search.errors import StoreError
from search.prune_plan import DELETED, Kind
from search.pruning import next_best
from search.showcase import Showcase
from search.trial import Measurement, TrialState
from search.workspace import Workspace
from tests.contracts.study_driver import Driver
from tests.faults import Crash
from tests.search.examples import make_study, make_trial
from tests.stored_search import (
    FIGURES,
    RUNNING,
    FailingStore,
    assert_front_is_readable,
    files_of,
    filled_workspace,
    opened,
    refused,
    save_epochs,
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    return filled_workspace(tmp_path_factory.mktemp("filled") / "ws")


@pytest.fixture
def place(filled, tmp_path):
    """A copy of the filled workspace, its reader and its store."""
    shutil.copytree(filled.folder, tmp_path / "ws")
    with opened(Workspace.at(tmp_path / "ws")) as place:
        yield place


def test_weights_of_the_front_and_what_people_look_at_stay(place):
    running = files_of(place.folder / "trials" / f"{RUNNING:05d}")
    place.plan().carry_out()
    beside = ["config.json", "log.txt", "reconstructions.png", "samples.png"]
    assert place.names(0, 1) == [*beside, "weights-000002.npz"]
    assert place.names(1, 1) == ["log.txt"]  # an earlier attempt
    assert place.names(1, 2) == [*beside, "weights-000001.npz"]
    assert place.names(2, 1) == place.names(3, 1) == beside
    assert files_of(place.folder / "trials" / f"{RUNNING:05d}") == running
    assert_front_is_readable(place.reader, place.store)
    pictures = place.store.newest(2)
    assert place.store.read(pictures, "samples.png") == b"png"


def test_what_is_shown_first_is_what_happens(place):
    before = files_of(place.folder)
    plan = place.plan()
    assert files_of(place.folder) == before
    plan.carry_out()
    after = files_of(place.folder)
    gone = set(before) - set(after)
    assert len(gone) == plan.num_doomed == sum(plan.num_files[kind] for kind in DELETED)
    assert sum(len(before[path]) for path in gone) == plan.doomed_bytes
    assert plan.num_files[Kind.FRONT] == 3
    assert plan.num_files[Kind.LOGS] == 6  # of trials that have ended
    assert (plan.unknown, plan.unclear) == ([], {})


def test_a_second_pruning_has_nothing_to_do(place):
    place.plan().carry_out()
    before = files_of(place.folder)
    plan = place.plan()
    assert (plan.trials, plan.num_doomed) == ([], 0)
    plan.carry_out()
    assert files_of(place.folder) == before


@pytest.mark.parametrize(("num_next", "kept"), [(1, [2]), (2, [2, 3]), (9, [2, 3])])
def test_more_trials_can_be_kept_the_best_first(place, num_next, kept):
    plan = place.plan(num_next)
    plan.carry_out()
    weights = {
        trial: [name for name in place.names(trial, 1) if name.startswith("weights-")]
        for trial in (2, 3)
    }
    assert [trial for trial, names in weights.items() if names] == kept
    assert weights[2] == ["weights-000001.npz"]  # of its best epoch alone
    assert plan.num_files[Kind.NEXT] == len(kept)
    place.plan().carry_out()
    assert place.names(2, 1)[-1] == "samples.png"
    assert_front_is_readable(place.reader, place.store)


def test_what_is_shown_of_former_members_goes_and_that_of_the_front_stays(place):
    [*_, (trial, epoch)] = front_candidates(place.reader.record().config, place.reader.trials())
    showcase = Showcase(place.root, place.reader.id)
    for key in ((trial, epoch), (trial, epoch + 100)):
        showcase.add(*key, {"decoder/MLmodel": b"flavors", "latent_use.png": b"x"})
    plan = place.plan()
    assert (plan.num_files[Kind.SHOWN], plan.num_files[Kind.FORMER]) == (3, 3)
    plan.carry_out()
    assert set(showcase.files()) == {(trial, epoch)}
    assert set(showcase.read(trial, epoch)) == {"decoder/MLmodel", "latent_use.png"}
    assert not place.plan().unknown


def test_the_next_best_come_by_layers_and_within_one_by_the_first_objective():
    trials = [
        make_trial(0, (1.0,), (0.1,)),
        make_trial(1, (2.0, 3.0), (0.9, 0.2)),
        make_trial(2, (2.5,), (0.3,)),
        make_trial(3, (1.5,), (0.95,), state=TrialState.RUNNING),
        make_trial(4, (9.0,), (0.99,)),
    ]
    assert next_best(make_study(), trials, 9) == [(1, 1), (2, 1), (4, 1)]
    assert next_best(make_study(), trials, 2) == [(1, 1), (2, 1)]
    assert next_best(make_study(), [], 2) == []


@pytest.mark.parametrize(("error", "every"), [(Crash, 1), (refused, 7)])
def test_ending_anywhere_leaves_the_front_and_the_next_pruning_goes_on(place, error, every):
    before = files_of(place.folder)
    num_steps = place.plan().num_doomed + len(place.plan().trials)
    for allowed in range(0, num_steps, every):
        shutil.rmtree(place.folder)
        for path, content in before.items():
            (place.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (place.folder / path).write_bytes(content)
        plan = place.plan()
        FailingStore(plan.trials[0].store, allowed, error)
        with pytest.raises((StoreError, Crash), match=r"^$|connection reset by peer"):
            plan.carry_out()
        assert_front_is_readable(place.reader, place.store)
        place.plan().carry_out()
        assert_front_is_readable(place.reader, place.store)
        assert place.plan().num_doomed == 0


def test_a_manifest_torn_by_a_full_disk_changes_nothing(place):
    plan = place.plan()
    first = plan.trials[0]
    name = first.store.replace(first.checkpoint, first.kept, first.notes)
    path = place.folder / "trials" / "00000" / "001" / name
    path.write_bytes(path.read_bytes()[:30])
    assert_front_is_readable(place.reader, place.store)
    place.plan().carry_out()
    assert not path.exists()
    assert_front_is_readable(place.reader, place.store)


def test_two_prunings_at_once_leave_the_front(place):
    one, other = place.plan(2), place.plan()
    for first, second in zip(one.trials, other.trials, strict=True):
        first.store.replace(first.checkpoint, first.kept, first.notes)
        second.carry_out()
        first.carry_out()
    assert_front_is_readable(place.reader, place.store)
    place.plan().carry_out()
    assert_front_is_readable(place.reader, place.store)
    assert place.plan().num_doomed == 0


def test_what_the_study_does_not_know_is_named_and_left(place):
    strangers = [
        "notes.txt",
        "backup/weights-000001.npz",
        "trials/readme",
        "trials/00077/001/weights-000001.npz",
        "trials/00002/old/weights-000001.npz",
        "trials/00002/001/mine.npz",
        "confirmations/1/abc/trials/00042/001/weights-000001.npz",
    ]
    for path in strangers:
        (place.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (place.folder / path).write_bytes(b"precious")
    plan = place.plan()
    plan.carry_out()
    assert all((place.folder / path).read_bytes() == b"precious" for path in strangers)
    known = sorted(Path(path).relative_to(place.folder).as_posix() for path in plan.unknown)
    assert known == [
        "backup",
        "confirmations/1/abc/trials/00042",
        "notes.txt",
        "trials/00002/001/mine.npz",
        "trials/00002/old",
        "trials/00077",
        "trials/readme",
    ]


def test_a_front_member_outside_of_the_newest_whole_checkpoint_is_not_lost(place):
    folder = place.folder / "trials" / "00004" / "001"
    (folder / "config.json").write_bytes(b"damaged")  # no checkpoint is whole now
    damaged = files_of(folder)
    save_epochs(place.store, 1, 3, range(2, 3))  # the newest, without the weights of 1@1
    plan = place.plan()
    plan.carry_out()
    assert files_of(folder) == damaged
    assert plan.unclear == {
        "1": "its newest whole checkpoint lacks the weights of 1@1",
        "4": "it has no whole checkpoint",
    }
    assert "weights-000001.npz" in place.names(1, 2)


def test_a_trial_that_ends_between_two_looks_is_left_for_the_next_time(place, monkeypatch):
    """Its state is read after its measurements, so that both could not belong together."""
    reader, trials = place.reader, place.reader.trials
    looks = []

    def ending_meanwhile(number=None):
        found = trials(number)
        if not looks:
            driver = Driver(place.workspace.study_url, "tiny")
            best = [Measurement(2, {"fid": 0.1, "tvd": 0.01}, 2.0)]
            save_epochs(place.store, RUNNING, 1, range(1, 3))
            driver.writer.record(RUNNING, 1, best)
            driver.writer.finish(RUNNING, 1, TrialState.COMPLETE)
            driver.close()
        looks.append(found)
        return found

    monkeypatch.setattr(reader, "trials", ending_meanwhile)
    place.plan().carry_out()
    assert "weights-000002.npz" in place.names(RUNNING, 1)


def test_a_trial_that_went_on_after_all_would_begin_anew(place):
    from search.assignment import Assignment
    from search.trial_run import TrialRun

    class NeverRestored:
        epoch = 0

        def restore(self, _):
            raise AssertionError("there is no state")

    place.plan().carry_out()
    TrialRun(place.reader.record().config, place.store, Assignment(2, 2, {}, 1), NeverRestored())


def test_the_figures_of_these_tests_are_what_they_say():
    trials = [
        make_trial(number, *map(tuple, zip(*figures, strict=True)))
        for number, figures in FIGURES.items()
    ]
    assert next_best(make_study(), trials, 9) == [(2, 1), (3, 2)]
