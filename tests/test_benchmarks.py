"""The benchmarks: their problems against closed forms, the replay against what it must keep."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import halving, samplers, tracking
from benchmarks.stock.judge import KerasJudge
from benchmarks.support.pool import POOL, read_pool
from search.models.judge import open_judge

NONE = {"rule": "none"}
RULE = {"rule": "halving", "factor": 3, "grace_epochs": 1}


def true_front(name, count):
    """Returns objectives of points on a problem's front, `(count, 2)`."""
    function, dimensions = samplers.PROBLEMS[name].function, samplers.PROBLEMS[name].dimensions
    rest = 0.5 if name == "DTLZ2" else 0.0
    points = np.full((count, dimensions), rest)
    points[:, 0] = np.linspace(0, 1, count)
    return np.array([function(point) for point in points])


@pytest.mark.parametrize("name", ["ZDT1", "ZDT2", "ZDT3", "DTLZ2"])
def test_points_on_the_front_span_all_of_its_hypervolume(name):
    assert samplers.PROBLEMS[name].share(true_front(name, 2000)) == pytest.approx(1, abs=2e-3)
    assert samplers.PROBLEMS[name].share(true_front(name, 2000)) <= 1


def test_a_grid_of_branin_currin_spans_all_of_its_hypervolume():
    axis = np.linspace(0, 1, 150)
    values = [samplers.branin_currin(np.array([a, b])) for a in axis for b in axis]
    assert 0.96 < samplers.PROBLEMS["BraninCurrin"].share(values) <= 1


def test_branin_has_its_published_minimum():
    x = np.array([(np.pi + 5) / 15, 2.275 / 15])
    assert samplers.branin_currin(x)[0] == pytest.approx(0.397887, abs=1e-6)


@pytest.mark.parametrize("name", samplers.PROBLEMS)
def test_shares_of_random_points_lie_below_one_and_grow(name):
    problem = samplers.PROBLEMS[name]
    points = np.random.default_rng(0).random((64, problem.dimensions))
    values = [problem.function(point) for point in points]
    shares = [problem.share(values[:count]) for count in (8, 64)]
    assert 0 <= shares[0] <= shares[1] < 1


def test_samplers_run_and_an_interrupted_run_goes_on(tmp_path, capsys):
    path = tmp_path / "runs.jsonl"
    options = ["--quick", "--seeds", "2", "--problems", "BraninCurrin", "--json", str(path)]
    samplers.main([*options, "--samplers", "random"])
    lines = path.read_text().strip().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:20]]))  # cut short by an interruption
    capsys.readouterr()
    samplers.main([*options, "--samplers", "random", "tpe"])
    printed = capsys.readouterr().out
    assert "| BraninCurrin | 50 |" in printed
    again = [run for run in samplers.stored_runs(path) if run["sampler"] == "random"]
    assert [run["shares"] for run in again] == [json.loads(line)["shares"] for line in lines]
    assert again[0] == json.loads(lines[0])  # kept, not run again


def test_auto_is_driven_from_its_seed_alone():
    first, again = (samplers.run("ZDT1", samplers.AUTO, 3, [13]) for _ in range(2))
    assert first["shares"] == again["shares"]
    assert samplers.run("ZDT1", samplers.AUTO, 4, [13])["shares"] != first["shares"]


@pytest.mark.filterwarnings("ignore:Matrix is singular")  # features that are 0 for all digits
def test_images_are_judged_by_stock_keras_as_by_ours(folders):
    dataset = folders.images()
    reference = open_judge(folders, dataset, "validation")
    stock = KerasJudge(Path(folders.extractor), reference)
    noise = np.random.default_rng(0).normal(0, 0.2, dataset.train.images.shape)
    images = (dataset.train.images / dataset.scale + noise).clip(0, 1).astype(np.float32)
    expected = reference.measure(images)
    assert stock.measure(images) == pytest.approx(
        {name: expected[name] for name in ("fid", "tvd")}, rel=1e-3
    )


@pytest.fixture(scope="module")
def pool():
    """The stored pool of MNIST's trials, the first twelve of them."""
    stored = read_pool(POOL)
    return dataclasses.replace(stored, trials=stored.trials[:12])


def test_every_epoch_is_trained_where_nothing_stops(pool):
    steps = list(halving.replay(pool, range(12), NONE))
    assert steps[-1].epochs == len(steps) == 12 * pool.epochs
    assert steps[-1].seconds == pytest.approx(sum(trial.seconds[-1] for trial in pool.trials))
    assert steps[-1].num_ended == 12


def test_halving_trains_less_and_finds_no_more_in_the_same_trials(pool):
    none, rule = (halving.Course.of(pool, range(12), section) for section in (NONE, RULE))
    assert rule.steps[-1].epochs < none.steps[-1].epochs
    assert rule.steps[-1].num_ended == 12
    assert rule.volumes[-1] <= none.volumes[-1]
    assert sorted(none.volumes) == list(none.volumes)


def test_a_course_says_when_it_reached_a_hypervolume(pool):
    course = halving.Course.of(pool, range(12), NONE)
    epochs, seconds = course.reaching(course.volumes[-1])
    assert course.volume_at(epochs) == course.volumes[-1] > course.volume_at(epochs - 1)
    assert 0 < seconds <= course.steps[-1].seconds
    assert course.reaching(2 * course.volumes[-1]) == (np.inf, np.inf)


def test_no_stopping_compared_with_itself_is_one_everywhere(pool):
    assert halving.compare(pool, 0, NONE, 12) == [1.0] * 8


def test_halving_prints_a_row_per_rule(tmp_path, capsys, pool):
    path = tmp_path / "pool.json"
    path.write_text(json.dumps(dataclasses.asdict(pool)))
    halving.main(["--pool", str(path), "--seeds", "2", "--trials", "6"])
    assert capsys.readouterr().out.count("| factor ") == 10


def test_building_a_pool_needs_images_and_a_place(capsys):
    with pytest.raises(SystemExit, match="2"):
        halving.main(["--build"])
    assert "--build needs --data-dir" in capsys.readouterr().err


def test_what_mlflow_costs_is_counted_and_shown():
    waited = {"seconds": 50.0, "waited": 10.0, "drain": 1.5, "epochs": 9, "requests": 7, "left": ""}
    lines = tracking.table({("ours", "fast"): waited, ("ray", "slow"): {"left": "cut off"}})
    assert lines[2:] == [
        "| ours | fast | 50 | 20.0 % | 1.5 s | 9 | 7 | all there |",
        "| ray | slow | - | - | - | - | - | cut off |",
    ]
