"""A real search whose only workers see nothing of the driver's machine but the store."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from search.driver import create, drive
from search.files import Files
from search.stopper import Ending
from search.study.database import open_database
from search.study.reader import StudyReader
from search.workspace import Workspace
from tests.ray_nodes import need_own_mounts, open_cluster, other_machine
from tests.search.examples import make_study

pytestmark = pytest.mark.slow


@pytest.fixture
def head(store_root: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The address of a head on which no trial fits; nodes inherit how to reach the store."""
    monkeypatch.setenv("VAESEARCH_CACHE", str(tmp_path / "head-cache"))
    with open_cluster() as cluster:
        yield cluster.address


def test_the_images_and_their_judge_reach_workers_by_way_of_the_store(
    head: str, store_root: str, folders, tmp_path: Path
) -> None:
    need_own_mounts()
    workspace = Workspace.at(tmp_path / "ws")
    shutil.copytree(folders.extractor, tmp_path / "ws" / "extractor")
    data = {"name": "digits", "extractor": str(tmp_path / "ws" / "extractor")}
    budget = {"trials": 2, "epochs": 1}
    create(make_study(dataset=data, budget=budget, store=store_root), workspace)
    cache = tmp_path / "node-cache"
    ray.init(address=head, log_to_driver=False, logging_level="CRITICAL")
    hidden = f"mount -t tmpfs tmpfs {tmp_path / 'ws'}"
    said: list[str] = []
    with other_machine(head, hidden, {"VAESEARCH_CACHE": str(cache)}):
        ray.shutdown()
        ending = drive("tiny", workspace, said.append, ray=head)
    assert ending is Ending.FINISHED, said
    reader = StudyReader(open_database(workspace.study_url), "tiny")
    assert [trial.state.value for trial in reader.trials()] == ["complete"] * 2
    assert reader.remeasured()
    fetched = sorted(os.listdir(cache / "data"))
    assert len(fetched) == 3  # the images, the extractor, the statistics of real images
    assert not (tmp_path / "head-cache" / "data").exists()  # that machine has its own
    assert Files(store_root).folders() == sorted([reader.id, "data"])
