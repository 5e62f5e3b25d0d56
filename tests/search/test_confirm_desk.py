"""The desk and the plan of a confirmation, with workers that train nothing."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.assignment import Round
from search.confirm_plan import Plan
from search.executor.confirm_desk import training_seed
from search.study.confirmations import read_confirmations
from search.trial import Measurement
from tests.confirming import ConfirmFixtures, FakeRepeats, desk_of, figures, plan_of, row
from tests.search.examples import make_record, make_study, make_trial


class TestWhatIsTrained(ConfirmFixtures):
    def test_the_front_and_then_what_its_spread_reaches(self, driver):
        workers = FakeRepeats()
        desk = desk_of(driver)
        workers.serve(desk)
        assert desk.has_everything
        assert workers.order[:4] == [(0, 1), (1, 1), (0, 2), (1, 2)]
        assert {trial for trial, _ in workers.order} == {0, 1, 2}
        assert sorted(workers.order) == sorted((t, k) for t in (0, 1, 2) for k in (1, 2, 3))

    def test_one_training_serves_all_candidates_of_a_trial(self, driver):
        tasks = [desk_of(driver).hand_out("a")]
        assert (tasks[0].trial, tasks[0].repeat, tasks[0].epochs) == (0, 1, [1, 2])
        FakeRepeats().serve(desk_of(driver))
        keys = {row.key for row in read_confirmations(driver.reader)}
        assert {(t, e) for t, _, e in keys} == {(0, 1), (0, 2), (1, 2), (2, 2)}

    def test_other_epochs_are_trained_instead(self, driver):
        assert desk_of(driver, epochs=7).hand_out("a").epochs == [7]
        FakeRepeats().serve(desk_of(driver, epochs=7))
        assert {row.epoch for row in read_confirmations(driver.reader)} == {7}

    def test_seeds_are_of_the_repeat_and_the_trial(self):
        seeds = {training_seed(5, trial, repeat) for trial in range(20) for repeat in range(1, 20)}
        assert len(seeds) == 380
        assert training_seed(5, 3, 2) == training_seed(5, 3, 2) != training_seed(6, 3, 2)

    def test_more_seeds_add_to_what_there_is(self, driver):
        workers = FakeRepeats()
        workers.serve(desk_of(driver, seeds=2))
        before = figures(driver)
        workers.order.clear()
        workers.serve(desk_of(driver, seeds=3))
        assert {repeat for _, repeat in workers.order} == {3}
        assert {key: figures(driver)[key] for key in before} == before
        assert desk_of(driver, seeds=2).is_done

    def test_params_and_attempts_are_told(self, driver):
        task = desk_of(driver).hand_out("a")
        assert task.params == dict(driver.writer.trial(0).params)
        assert task.seed == training_seed(0, 0, 1)

    def test_no_more_trials_join_than_the_front_has(self):
        points = [(5.0, 0.5)] + [(6.0 + number / 100, 0.6) for number in range(8)]
        trials = [make_trial(number, (fid,), (tvd,)) for number, (fid, tvd) in enumerate(points)]
        plan = Plan(make_record(make_study()), trials, 2)
        rows = [row(0, 1, 1, 5.0, 0.5), row(0, 2, 1, 6.0, 0.6)]
        subjects = [(item.label, item.origin) for item in plan.subjects(rows)]
        assert subjects == [("0@1", "front"), ("1@1", "overlap")]

    def test_nothing_joins_before_the_first_two_repeats(self, driver):
        plan = plan_of(driver)
        rows = [row(0, 1, 1, 9, 0.1), row(0, 1, 2, 4, 0.3), row(1, 1, 2, 6, 0.2)]
        assert {item.trial for item in plan.subjects(rows)} == {0, 1}
        rows += [row(0, 2, 1, 8, 0.1), row(0, 2, 2, 5, 0.3), row(1, 2, 2, 7, 0.3)]
        assert {item.trial for item in plan.subjects(rows)} == {0, 1, 2}
        later = [*rows, *(row(1, k, 2, 600.0, 20.0) for k in range(3, 9))]
        assert plan.subjects(later) == plan.subjects(rows)


class TestInterruptions(ConfirmFixtures):
    def test_a_lost_worker_goes_on_from_what_it_kept(self, driver):
        desk, workers = desk_of(driver), FakeRepeats()
        first = desk.hand_out("a")
        desk.hear("a", next(workers.rounds(first)))
        desk.lose("a")
        second = desk.hand_out("b")
        assert (second.trial, second.repeat) == (0, 1)
        assert second.attempt > first.attempt
        (report,) = workers.rounds(second)
        assert [item.epoch for item in report.measurements] == [1, 2]
        desk.hear("b", report)
        workers.serve(desk)
        assert desk.has_everything

    def test_attempts_of_later_drivers_are_later(self, make):
        study = make()
        first = desk_of(study.drivers[-1]).hand_out("a")
        second = desk_of(study.next_driver()).hand_out("a")
        assert (first.trial, first.repeat) == (second.trial, second.repeat)
        assert second.attempt > first.attempt

    @settings(
        deadline=None,
        max_examples=8,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(kill_after=st.integers(0, 14), num_workers=st.integers(1, 3))
    def test_a_kill_at_any_time_changes_no_figure(self, make, kill_after, num_workers):
        whole = make()
        FakeRepeats().serve(desk_of(whole.drivers[-1]))
        torn = make()
        workers = FakeRepeats()
        workers.serve(desk_of(torn.drivers[-1]), num_workers, kill_after)
        workers.serve(desk_of(torn.next_driver()), num_workers)
        assert figures(torn.drivers[-1]) == figures(whole.drivers[-1])

    def test_three_fruitless_losses_give_a_repeat_up(self, driver):
        told = []
        desk = desk_of(driver, tell=told.append)
        for worker in "abc":
            task = desk.hand_out(worker)
            assert (task.trial, task.repeat) == (0, 1)
            desk.note_cause(worker, f"killed {worker}")
            desk.lose(worker)
        assert desk.given_up == {(0, 1)}
        event = driver.reader.events()[-1]
        assert event.kind == "confirmation given up"
        assert event.details["reason"].endswith("without a new figure: killed c")
        assert told[-1].ended[-1].reason == event.details["reason"]
        FakeRepeats().serve(desk)
        assert desk.has_everything
        assert (0, 1) not in {row.key[:2] for row in read_confirmations(driver.reader)}
        task = desk_of(driver).hand_out("d")  # the next driver tries again
        assert (task.trial, task.repeat) == (0, 1)

    def test_a_loss_after_a_new_figure_is_forgiven(self, driver):
        desk, workers = desk_of(driver), FakeRepeats()
        for worker in "ab":
            desk.hand_out(worker)
            desk.lose(worker)
        desk.hear("c", next(workers.rounds(desk.hand_out("c"))))
        desk.lose("c")
        for worker in "de":
            desk.hand_out(worker)
            desk.lose(worker)
        assert not desk.given_up

    def test_a_worker_that_ends_unasked_counts_as_lost(self, driver):
        desk = desk_of(driver)
        for worker in "abc":
            desk.hand_out(worker)
            desk.hear(worker, Round([], "interrupted"))
        assert desk.given_up == {(0, 1)}

    def test_a_closed_desk_hands_nothing_out_and_still_listens(self, driver):
        desk = desk_of(driver)
        task = desk.hand_out("a")
        desk.close()
        assert desk.hand_out("b") is None
        assert not desk.is_done
        kept = [Measurement(1, {"fid": 9.0, "tvd": 0.1}, 1.0, task.attempt)]
        desk.hear("a", Round(kept, "interrupted"))
        assert desk.is_done
        assert not desk.has_everything
        assert [row.key for row in read_confirmations(driver.reader)] == [(0, 1, 1)]

    def test_what_is_still_out_when_tune_ends_is_forgotten(self, driver):
        desk = desk_of(driver)
        desk.hand_out("a")
        desk.end()
        assert desk.is_done
        assert not desk.given_up
