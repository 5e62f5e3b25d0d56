"""analyze and compare: the real commands on a real search, whose trials were run without Ray."""

import json
from pathlib import Path

import pytest
from PIL import Image

from search.assignment import Assignment
from search.models.bench import Bench
from search.models.images import ImageFolders, identity, load_images
from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.trial import TrialState
from search.workspace import Workspace
from tests.commands import Commands
from tests.contracts.study_driver import Driver
from tests.search.examples import make_study
from vaemodels.metrics.extractor import untrained_extractor

EPOCHS = 3
VARIANTS = ("vae", "sbvae")  # of trials 0 and 1; trial 2 never began


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Makes a search of two trained trials and one that waits."""
    place = Workspace.at(tmp_path_factory.mktemp("analyzed") / "ws")
    place.make()
    config = make_study(
        space={"variant": {"type": "categorical", "choices": list(VARIANTS)}},
        fixed={"widths": [12], "batch_size": 64, "latent_dim": 3},
        budget={"trials": 3, "epochs": EPOCHS},
        measure={"every_epochs": 1, "num_images": 200, "latent_samplers": ["gaussian"]},
    )
    engine = open_database(place.study_url)
    dataset = load_images(config, place.cache)
    create_search(engine, config, identity(config, dataset))
    untrained_extractor(dataset).save(place.cache / "extractor")
    folders = ImageFolders(
        str(dataset.folder), str(place.cache / "extractor"), str(place.cache / "references")
    )
    driver = Driver(place.study_url, "tiny")
    bench = Bench(config, driver.reader.id, place.store(config), folders)
    for _ in range(3):
        trial = driver.writer.new_trial()
        if trial.number < len(VARIANTS):
            _train(driver, bench, trial.number, VARIANTS[trial.number])
    driver.lease.release()
    driver.close()
    engine.dispose()
    return place


def _train(driver, bench, number, variant):
    attempt = driver.writer.start_attempt(driver.reader.trials(number)[0])
    run = bench.start(Assignment(number, attempt, {"variant": variant}, seed=1), lambda: False)
    while (found := run.next_round()).outcome is None:
        driver.writer.record(number, attempt, found.measurements)
    driver.writer.record(number, attempt, found.measurements)
    driver.writer.finish(number, attempt, TrialState.COMPLETE)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path, workspace):
    """Runs commands in an empty folder, with coarse pictures and few iterations: they are fast."""
    monkeypatch.setattr("vaemodels.analysis.drawing._DPI", 40)
    monkeypatch.setattr("vaemodels.analysis.fixed_point_report._ITERATIONS", 10)
    monkeypatch.setattr("vaemodels.analysis.fixed_point_report._SHOWN", (0, 10))
    commands = Commands(monkeypatch, capsys, tmp_path)
    monkeypatch.setenv("VAESEARCH_WORKSPACE", str(workspace.folder))
    return commands


@pytest.fixture
def quick(command, monkeypatch):
    """Leaves out analyses that `test_analyze_writes_a_page_...` has shown to work."""
    from vaemodels.analysis import report

    titles = ("Samples", "Use of the latents", "Silhouettes", "Class centroids")
    some = tuple(analysis for analysis in report._ANALYSES if analysis.title in titles)
    monkeypatch.setattr(report, "_ANALYSES", some)
    return command


def kept(workspace, trial=0):
    """Returns the epochs of a trial whose weights are kept."""
    from search.models.stored import kept_epochs
    from search.store import TrialStore

    reader = StudyReader(open_database(workspace.study_url), "tiny")
    store = TrialStore(workspace.store(reader.record().config), reader.id)
    return kept_epochs(store.newest(trial))


def opens(path):
    with Image.open(path) as picture:
        picture.load()
        return picture.format == "PNG" and len(picture.convert("L").getcolors()) > 10


# analyze


def test_analyze_writes_a_page_beside_where_it_is_called(command):
    shown = command("analyze", "tiny", "0")
    folder = Path(f"tiny-0@{EPOCHS}-analysis")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.splitlines()[-1] == f"Wrote 11 analyses. Open {folder / 'index.html'}"
    assert "tiny: trial 0 after epoch 3" in (folder / "index.html").read_text()
    numbers = json.loads((folder / "numbers.json").read_text())
    series = numbers["analyses"]["FID and TVD by epoch"]["series"]
    assert series["epoch"] == [1, 2, 3]
    assert numbers["model"]["variant"] == "vae"
    assert all(opens(picture) for picture in folder.glob("*.png"))
    assert "not empty" in command("analyze", "tiny", "0").error


def test_analyze_takes_samplers_and_a_folder_and_prints_json(quick):
    options = ["--sampler", "prior", "--sampler", "prior*100", "--out", "page", "--json"]
    found = json.loads(quick("analyze", "tiny", f"0@{EPOCHS}", *options).out)
    assert found["page"] == str(Path("page/index.html"))
    assert "sample_distance_prior*100" in found["analyses"]["Samples"]["numbers"]
    assert found["absent"] == {}


def test_analyze_shows_what_is_wrong_with_a_model(quick, monkeypatch):
    import vaemodels.analysis.latent_use as latent_use

    original = latent_use.collapse_report

    def collapsed(codes, *rest, **more):
        return original(0 * codes, *rest, **more)

    monkeypatch.setattr(latent_use, "collapse_report", collapsed)
    shown = quick("analyze", "tiny", "0", "--out", "page").out
    assert shown.startswith("! The posterior ignores the image")
    assert "The posterior ignores the image" in Path("page/index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["analyze", "tiny", "7"], "`tiny` has no trial 7: its last is 2."),
        (["analyze", "tiny", "2"], "keeps no weights of trial 2"),
        (["analyze", "tiny", "0@77"], "keeps the weights of epochs"),
        (["analyze", "nobody", "0"], "no search `nobody`"),
        (["analyze", "tiny", "0", "--sampler", "best"], "prior, gaussian, gaussian_mixture"),
        (["analyze", "tiny", "1", "--sampler", "prior*100"], "no scale and no shift"),
        (["analyze", "--model", "nowhere"], "no model in nowhere"),
        (["compare", "tiny", "0", "9"], "no trial 9"),
        (["compare", "tiny", "0", "2"], "no weights of trial 2"),
        (["compare", "tiny", "0", "1:prior*2"], "no scale and no shift"),
        (["compare", "tiny", "0:best"], "prior, gaussian, gaussian_mixture"),
        (["compare", "tiny", "0", "--out", "no/x.png"], "no folder no"),
    ],
)
def test_what_cannot_be_is_one_line(command, arguments, said):
    assert said in command(*arguments).error
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["analyze"], "--model"),
        (["analyze", "tiny"], "TRIAL[@EPOCH]"),
        (["analyze", "tiny", "best"], "trial@epoch"),
        (["analyze", "tiny", "0", "--model", "x"], "--model"),
        (["analyze", "tiny", "0", "--dataset", "digits"], "--dataset"),
        (["analyze", "--model", "x", "--data-dir", "y"], "--dataset"),
        (["compare", "tiny"], "TRIAL[@EPOCH]"),
        (["compare", "tiny", "0@x"], "trial@epoch"),
        (["compare", "tiny", "0", "--out", "x.svg"], ".png"),
    ],
)
def test_wrong_usage_ends_with_status_2(command, arguments, said):
    refused = command(*arguments)
    assert (refused.status, refused.out) == (2, "")
    assert said in refused.err


def test_the_epochs_that_are_kept_are_listed(command, workspace):
    refused = command("analyze", "tiny", "0@77").error
    assert f"epochs {', '.join(map(str, kept(workspace)))}," in refused


def test_an_exported_model_is_analyzed_with_and_without_images(quick):
    assert quick("export", "tiny", "0", "--out", "mine").status == 0
    assert "Wrote 1 analysis." in quick("analyze", "--model", "mine").out
    assert Path("mine-analysis/samples.png").is_file()
    options = ["--dataset", "digits", "--out", "more", "--sampler", "gaussian"]
    found = json.loads(quick("analyze", "--model", "mine", *options, "--json").out)
    assert next(iter(found["analyses"]["Samples"]["numbers"])) == "sample_distance_gaussian"
    assert set(found["absent"]) == {"FID and TVD by epoch"}
    refused = quick("analyze", "--model", "mine", "--sampler", "gaussian", "--out", "x").error
    assert "needs training images" in refused
    refused = quick("analyze", "--model", "mine", "--dataset", "digitz", "--out", "x").error
    assert "digitz" in refused
    assert not Path("x").exists()


def test_an_exported_latent_sampler_is_used_without_images(quick):
    quick("export", "tiny", "0:gaussian", "--out", "mine")
    found = json.loads(quick("analyze", "--model", "mine", "--json").out)
    assert list(found["analyses"]["Samples"]["numbers"]) == ["sample_distance_gaussian"]


def test_images_without_labels_have_no_analyses_of_classes(quick):
    import numpy as np

    quick("export", "tiny", "0", "--out", "mine")
    pixels = np.random.default_rng(0).integers(0, 17, (80, 8, 8), dtype=np.uint8)
    np.save("plain.npy", pixels)
    options = ["--dataset", "plain.npy", "--out", "page", "--json"]
    found = json.loads(quick("analyze", "--model", "mine", *options).out)
    assert found["absent"]["Silhouettes"] == "The images have no labels."
    assert found["absent"]["Class centroids"] == "The images have no labels."


# compare


def test_compare_draws_models_and_shows_their_numbers(command):
    shown = command("compare", "tiny", "0", f"0@{EPOCHS}", "1:gaussian")
    assert (shown.status, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[0].split()[0] == "trial@epoch"
    assert [line.split()[0] for line in lines[1:3]] == ["0@3", "1@3:gaussian"]  # one is named twice
    assert lines[-1] == "Wrote tiny-comparison.png."
    assert opens("tiny-comparison.png")


def test_compare_prints_json(command):
    found = json.loads(command("compare", "tiny", "1", "0", "--out", "both.png", "--json").out)
    assert found["picture"] == "both.png"
    assert list(found["models"]) == ["1@3", "0@3"]
    for numbers in found["models"].values():
        assert set(numbers) == {"squared_error", "used_latents", "silhouette", "fid", "tvd"}
        assert numbers["squared_error"]["standard_error"] > 0
    assert opens("both.png")


def test_figures_are_those_of_the_latent_sampler_or_absent(command):
    wanted = ("0", "0:gaussian", "0:copula")
    models = json.loads(command("compare", "tiny", *wanted, "--json").out)["models"]
    own, gaussian, copula = models.values()
    assert own["fid"]["value"] != gaussian["fid"]["value"]
    assert own["fid"]["num_samples"] == 200
    assert "fid" not in copula
