"""Searches with code of the user's: on this machine, and on nodes that never saw its folder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
import yaml

from search.study.database import open_database
from search.study.reader import StudyReader
from search.trial import TrialState
from search.workspace import Workspace
from tests.ray_nodes import ROOT, need_own_mounts, open_cluster, other_machine
from vaemodels.own import OWN_MODULES

pytestmark = pytest.mark.slow(minutes=4)
LAB = ROOT / "tests" / "lab"
STUDY = {
    "name": "lab",
    "dataset": "lab_data:load",
    "code": "lab",
    "space": {
        "own.filters": {"type": "int", "low": 4, "high": 8},
        "prior": {
            "type": "categorical",
            "choices": ["standard_normal", "lab_parts:LaplacePrior"],
        },
    },
    "fixed": {
        "encoder": "lab_parts:encoder",
        "decoder": "lab_parts:decoder",
        "likelihood": "lab_parts:LaplaceLikelihood",
        "latent_dim": 3,
        "batch_size": 32,
    },
    "budget": {"trials": 2, "epochs": 2},
    "measure": {"num_images": 500},
    "sampler": "random",
    "tracking": {"mlflow": False},
    "resources": {"workers": 1},
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the user's code and a study file that names it."""
    shutil.copytree(LAB, tmp_path / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    return tmp_path


def vaesearch(home: Path, *words: str) -> str:
    """Returns what a command says that is given in a process of its own."""
    kept = {k: v for k, v in os.environ.items() if k != OWN_MODULES}
    command = [sys.executable, "-m", "search.cli.main", *words]
    done = subprocess.run(
        command,
        cwd=home,
        env={**kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_search_with_own_images_and_models_from_check_to_export(home: Path) -> None:
    assert "240" not in vaesearch(home, "check", "study.yaml")  # some of them validate and test
    vaesearch(home, "run", "study.yaml")
    shutil.rmtree(home / "lab")  # it has what it began with
    vaesearch(home, "resume", "lab", "--trials", "+1")
    reader = StudyReader(open_database(Workspace.at(home / "vaesearch-workspace").study_url), "lab")
    assert [trial.state for trial in reader.trials()] == [TrialState.COMPLETE] * 3
    assert all("fid" in trial.measurements[-1].metrics for trial in reader.trials())
    front = json.loads(vaesearch(home, "pareto", "lab", "--json", "--samples", "samples.png"))
    assert (home / "samples.png").stat().st_size > 1000
    vaesearch(home, "export", "lab", str(front["front"][0]["trial"]), "--out", "model")
    kept = {k: v for k, v in os.environ.items() if k != OWN_MODULES}
    example = subprocess.run(
        [sys.executable, "model/example.py"],
        cwd=home,
        env={**kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "generated (16, 8, 8, 1)" in example.stdout, example.stderr
    said = vaesearch(home, "analyze", "--model", "model", "--code", "model/code")
    assert "Open model-analysis/index.html" in said


@pytest.fixture
def head() -> Iterator[str]:
    """The address of a head on which no trial fits."""
    with open_cluster() as cluster:
        yield cluster.address


def test_code_reaches_nodes_that_never_saw_its_folder(head: str, home: Path) -> None:
    need_own_mounts()
    study = {**STUDY, "store": str(home / "store")}
    (home / "store").mkdir()
    (home / "vaesearch-workspace").mkdir()
    (home / "study.yaml").write_text(yaml.safe_dump(study))
    ray.init(address=head, log_to_driver=False, logging_level="CRITICAL")
    hidden = "\n".join(
        f"mount -t tmpfs tmpfs {home / name}" for name in ("lab", "vaesearch-workspace")
    )
    with other_machine(head, hidden, {"VAESEARCH_CACHE": str(home / "node-cache")}):
        ray.shutdown()
        said = vaesearch(home, "run", "study.yaml", "--ray", head)
    reader = StudyReader(open_database(Workspace.at(home / "vaesearch-workspace").study_url), "lab")
    assert [trial.state for trial in reader.trials()] == [TrialState.COMPLETE] * 2, said
