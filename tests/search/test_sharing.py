"""What workers on other machines need of a driver's: published, prepared anywhere, fetched."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from search.data_store import remembered
from search.errors import DataError
from search.files import Files
from search.models.images import ImageFolders
from search.models.judge import open_judge
from search.models.sharing import prepare_shared, publish_sources
from tests.search.examples import make_study
from vaemodels.data import open_dataset
from vaemodels.metrics.extractor import Extractor, untrained_extractor


@pytest.fixture
def node(tmp_path, monkeypatch):
    """Has this process keep what it fetches in a folder of its own, as one node does."""

    def become(name: str) -> Path:
        monkeypatch.setenv("VAESEARCH_CACHE", str(tmp_path / name))
        return tmp_path / name

    become("driver-node")
    return become


@pytest.fixture
def driver(tmp_path, folders):
    """The driver's workspace cache: the digits, and no judge yet."""
    dataset = tmp_path / "ws" / "data" / Path(folders.dataset).name
    shutil.copytree(folders.dataset, dataset)
    return tmp_path / "ws", str(dataset)


@pytest.fixture
def trainings(monkeypatch):
    """Stands in for the training of extractors; each is another one. Says how many there were."""
    done = []

    def train(dataset, progress=None):
        extractor = untrained_extractor(dataset)
        weights = [weight + len(done) for weight in extractor._weights]
        arguments = (dataset.image_shape, dataset.num_classes, weights, 0.5, dataset.hash)
        done.append(Extractor(*arguments))
        return done[-1]

    monkeypatch.setattr("search.models.judge.train_extractor", train)
    return done


def figures(folders: ImageFolders):
    """What a worker sees: its images, its judge."""
    here = folders.here()
    dataset = here.images()
    judges = [open_judge(here, dataset, split) for split in ("validation", "test")]
    return dataset.hash, [judge.extractor.hash for judge in judges], here


def test_a_node_that_sees_nothing_of_the_driver_gets_it_all(
    driver, node, trainings, store_root, monkeypatch
):
    cache, dataset_folder = driver
    config = make_study()
    sources = publish_sources(config, dataset_folder, cache, store_root)
    shutil.rmtree(cache)  # as other machines see it
    node("one")
    folders, prepared = prepare_shared(config, sources, None)
    assert prepared["extractor_hash"] == trainings[0].hash
    assert (prepared["num_train"], prepared["image_shape"]) == (1078, [8, 8, 1])
    two = node("two")
    data_hash, judges, here = figures(folders)
    assert (data_hash, judges) == (sources.dataset.key, [prepared["extractor_hash"]] * 2)
    assert all(
        Path(folder).is_relative_to(two)
        for folder in (here.dataset, here.extractor, here.references)
    )
    monkeypatch.setattr(Files, "download", None)  # nothing is fetched again
    assert figures(folders)[2] == here
    assert here.here() == here


def test_a_machine_that_has_the_folders_uses_them(driver, node, trainings, store_root):
    cache, dataset_folder = driver
    config = make_study()
    untrained_extractor(open_dataset(Path(dataset_folder))).save(cache / "mine")
    config = make_study(dataset={"name": "digits", "extractor": str(cache / "mine")})
    sources = publish_sources(config, dataset_folder, cache, store_root)
    folders, _ = prepare_shared(config, sources, None)
    here = folders.here()
    assert (here.dataset, here.extractor) == (dataset_folder, str(cache / "mine"))
    assert trainings == []


def test_every_search_on_a_store_has_one_judge_of_the_same_images(
    driver, node, trainings, store_root
):
    cache, dataset_folder = driver
    config = make_study()
    sources = publish_sources(config, dataset_folder, cache, store_root)
    first = prepare_shared(config, sources, None)
    node("elsewhere")
    again = prepare_shared(config, publish_sources(config, dataset_folder, cache, store_root), None)
    assert again == first
    assert len(trainings) == 1
    name = f"extractor-{sources.dataset.key[:32]}-v1"
    assert remembered(store_root, name) == trainings[0].hash


def test_a_search_goes_on_with_the_judge_that_it_began_with(driver, node, trainings, store_root):
    cache, dataset_folder = driver
    config = make_study()
    sources = publish_sources(config, dataset_folder, cache, store_root)
    _, first = prepare_shared(config, sources, None)
    Files(store_root, "data").delete(f"extractor-{sources.dataset.key[:32]}-v1.txt")
    _, other = prepare_shared(config, sources, None)
    assert other["extractor_hash"] != first["extractor_hash"]
    _, resumed = prepare_shared(config, sources, first["extractor_hash"])
    assert resumed == first
    assert len(trainings) == 2


def test_a_judge_that_was_trained_on_one_machine_alone_is_used(driver, node, trainings, store_root):
    cache, dataset_folder = driver
    dataset = open_dataset(Path(dataset_folder))
    own = untrained_extractor(dataset)
    own.save(cache / "extractors" / f"{dataset.hash[:32]}-v1")
    sources = publish_sources(make_study(), dataset_folder, cache, store_root)
    _, prepared = prepare_shared(make_study(), sources, None)
    assert (prepared["extractor_hash"], trainings) == (own.hash, [])


def test_an_extractor_that_is_not_there_is_told(driver, node, store_root, tmp_path):
    cache, dataset_folder = driver
    config = make_study(dataset={"name": "digits", "extractor": str(tmp_path / "none")})
    with pytest.raises(DataError, match=r"Cannot use .*none: .*No such file"):
        publish_sources(config, dataset_folder, cache, store_root)


def test_on_one_machine_nothing_is_looked_at(folders, monkeypatch):
    monkeypatch.setattr("search.models.images.local_folder", None)
    assert folders.here() is folders
    assert dataclasses.asdict(folders)["published"] is None
