"""What preparing a judge found is found again without TensorFlow, unless a file has changed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from search.models.images import load_images
from search.models.judged import kept
from search.models.work import TRAINING
from search.workspace import Workspace
from tests.search.examples import make_study

STUDY = {"dataset": "digits", "measure": {"num_images": 300}}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The arguments of `Work.prepare`, and what it returned the first time."""
    cache = Workspace.at(tmp_path_factory.mktemp("judged") / "ws").cache
    config = make_study(**STUDY)
    arguments = (config, str(load_images(config, cache).folder), cache)
    assert kept(*arguments) is None
    return arguments, TRAINING.prepare(*arguments)


def test_it_is_the_same_again(prepared):
    arguments, found = prepared
    assert TRAINING.kept(*arguments) == TRAINING.prepare(*arguments) == found
    assert found[1]["floor"]["fid"] < found[1]["ceiling"]["fid"]


def test_it_takes_no_tensorflow(prepared):
    (config, folder, cache), found = prepared
    code = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from search.config import StudyConfig\n"
        "from search.models.work import TRAINING\n"
        "config = StudyConfig.model_validate(json.loads(sys.argv[1]))\n"
        "_, facts = TRAINING.kept(config, sys.argv[2], Path(sys.argv[3]))\n"
        "print(json.dumps([facts, 'tensorflow' in sys.modules]))\n"
    )
    command = [sys.executable, "-c", code, config.model_dump_json(), folder, str(cache)]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(child.stdout) == [found[1], False]


def test_another_number_of_images_is_another_measure(prepared):
    (config, folder, cache), _ = prepared
    measure = config.measure.model_copy(update={"num_images": 301})
    assert kept(config.model_copy(update={"measure": measure}), folder, cache) is None


@pytest.mark.parametrize("name", ["extractors/*/extractor.npz", "references/*-validation.npz"])
def test_a_file_that_changed_is_looked_at(prepared, name):
    arguments, _ = prepared
    (path,) = arguments[2].glob(name)
    content = path.read_bytes()
    try:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert kept(*arguments) is None
        path.unlink()
        assert kept(*arguments) is None
    finally:
        path.write_bytes(content)
    assert kept(*arguments) is not None


def test_other_folders_beside_an_extractors_files_do_no_harm(prepared):
    arguments, found = prepared
    (Path(found[0].extractor) / "notes").mkdir()
    assert kept(*arguments) == found


def test_a_record_that_was_cut_short_is_none(prepared):
    arguments, _ = prepared
    (path,) = arguments[2].glob("references/prepared-*.json")
    content = path.read_text()
    try:
        path.write_text(content[:40])
        assert kept(*arguments) is None
    finally:
        path.write_text(content)


def test_the_same_place_under_another_name_is_the_same(prepared, tmp_path):
    (config, folder, cache), found = prepared
    (tmp_path / "cache").symlink_to(cache)
    folders, facts = kept(config, folder, tmp_path / "cache")
    assert (folders.dataset, facts) == (folder, found[1])
