"""Spaces that grow, and a hypervolume that stands still: pure functions."""

import pytest

from search.errors import StudyConfigError
from search.growing import grown
from search.settling import Stagnation
from search.trial import TrialState
from tests.search.examples import SPACE, make_study, make_trial

VARIANT = {"variant": {"type": "categorical", "choices": ["vae", "ae"]}}
CEILING = {"fid": 100.0, "tvd": 10.0}


class TestGrown:
    def test_ranges_widen_at_either_end(self):
        study = make_study()
        space = grown(study, {"beta": (None, 10), "latent_dim": (1, 32)}, {}).parameters
        assert (space["beta"].low, space["beta"].high) == (0.01, 10)
        assert (space["latent_dim"].low, space["latent_dim"].high) == (1, 32)
        assert space["beta"].log

    def test_choices_are_added_at_the_end(self):
        study = make_study(space={**SPACE, **VARIANT})
        space = grown(study, {}, {"variant": ["dirvae", "rae"]}).parameters
        assert space["variant"].choices == ("vae", "ae", "dirvae", "rae")

    def test_nothing_asked_for_changes_nothing(self):
        assert grown(make_study(), {}, {}) == make_study()

    @pytest.mark.parametrize(
        ("widen", "choices", "message"),
        [
            ({"beat": (None, 10)}, {}, r"`beat` is not in the space. Did you mean `beta`\?"),
            ({"beta": (0.1, 10)}, {}, r"has to hold all of it and more. Received: 0\.1 to 10"),
            ({"beta": (None, 1.0)}, {}, r"has to hold all of it and more"),
            ({"dropout": (0.05, None)}, {}, r"steps of 0\.2: .* such as -0\.1. Received: 0\.05"),
            ({"beta": (-1, None)}, {}, r"space\.beta.*`low` > 0 with `log: true`"),
            ({"latent_dim": (None, 32.5)}, {}, "type int takes whole numbers"),
            ({"variant": (None, 2)}, {}, "categorical and has no range; --add-choice adds"),
            ({}, {"beta": [3]}, "float and has a range; --widen changes it"),
            ({}, {"variant": ["ae"]}, "has the choice 'ae' already"),
            ({}, {"variant": [["a"]]}, r"choice of `variant` is a number, .* Received: \['a'\]"),
            ({}, {"variant": [float("nan")]}, r"stands alone\. Received: nan"),
        ],
    )
    def test_what_is_impossible_is_refused(self, widen, choices, message):
        stepped = {"dropout": {"type": "float", "low": 0.1, "high": 0.9, "step": 0.2}}
        study = make_study(space={**SPACE, **VARIANT, **stepped})
        with pytest.raises(StudyConfigError, match=message):
            grown(study, widen, choices)


class TestStagnation:
    def watch(self, trials, **budget):
        study = make_study(budget={"trials": 99, "epochs": 1, **budget})
        still = Stagnation(study, CEILING)
        return still, [still.observe(trial) for trial in trials]

    def test_it_counts_trials_that_add_nothing(self):
        fids = [50.0, 60.0, 70.0, 40.0, 41.0]
        _, counts = self.watch(make_trial(n, (fid,)) for n, fid in enumerate(fids))
        assert counts == [0, 1, 2, 0, 1]

    def test_gains_below_a_thousandth_add_up(self):
        fids = [50.0 - 0.01 * n for n in range(8)]  # each gains 0.02 % and a little
        _, counts = self.watch(make_trial(n, (fid,), (0.5,)) for n, fid in enumerate(fids))
        assert counts == [0, 1, 2, 3, 4, 5, 0, 1]

    def test_failed_trials_count_and_their_epochs_too(self):
        trials = [
            make_trial(0, (50.0,)),
            make_trial(1, (), state=TrialState.FAILED),
            make_trial(2, (30.0, 90.0), state=TrialState.FAILED),
        ]
        _, counts = self.watch(trials)
        assert counts == [0, 1, 0]

    def test_objectives_without_a_ceiling_take_the_worst_value_so_far(self):
        study = make_study(objectives={"elbo": "maximize", "kl_loss": "minimize"})
        still = Stagnation(study, {})
        points = [(1.0, 1.0), (2.0, 0.5), (0.0, 3.0), (2.5, 0.4)]
        trials = [
            make_trial(
                n,
                measurements=tuple(
                    type(make_trial().measurements[0])(1, {"elbo": e, "kl_loss": k}, 1.0)
                    for e, k in [point]
                ),
            )
            for n, point in enumerate(points)
        ]
        # The first is its own worst, and counts as a gain all the same. The third only moves the
        # reference, for old and new alike.
        assert [still.observe(trial) for trial in trials] == [0, 0, 1, 0]

    def test_it_is_over_after_as_many_as_the_study_file_says(self):
        trials = [make_trial(n, (50.0,)) for n in range(4)]
        still, _ = self.watch(trials[:3], still_trials=3)
        assert not still.is_over
        still.observe(trials[3])
        assert still.is_over
        still.restart()
        assert not still.is_over
