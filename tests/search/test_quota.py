"""The quota of a store: first what no front needs goes, then the search ends gently."""

import shutil
import threading

import pytest

from search.errors import StoreError
from search.files import Files, shown_size
from search.pruning import plan_pruning
from search.quota import Quota, keeping_quota, store_bytes
from search.stopper import Ending, Stopper
from search.store import TrialStore
from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.workspace import Workspace
from tests.search.examples import make_study
from tests.stored_search import assert_front_is_readable, fill

GB = 2**30
SECONDS = 20.0


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A workspace with a search of a quota of 50 kB whose trials left some 100 kB."""
    workspace = Workspace.at(tmp_path_factory.mktemp("filled") / "ws")
    workspace.make()
    config = make_study(budget={"trials": 6}, store_quota_gb=50_000 / GB)
    create_search(open_database(workspace.study_url), config, {})
    fill(workspace, "tiny")
    return workspace


@pytest.fixture
def workspace(filled, tmp_path):
    shutil.copytree(filled.folder, tmp_path / "ws")
    return Workspace.at(tmp_path / "ws")


@pytest.fixture
def reader(workspace):
    reader = StudyReader(open_database(workspace.study_url), "tiny")
    yield reader
    reader.engine.dispose()


@pytest.fixture
def store(workspace, reader):
    return workspace.store(reader.record().config)


@pytest.fixture
def sizes(reader, store):
    """What the store holds, and what is left of it by a pruning."""
    used = store_bytes(store, reader.id)
    return used, used - plan_pruning(reader, store).doomed_bytes


def kinds(reader):
    return [event.kind for event in reader.events()]


def test_the_size_is_that_of_all_files_but_what_is_shown_of_the_front(tmp_path):
    assert store_bytes(str(tmp_path), "id") == 0
    for path in ("trials/00000/001/a", "confirmations/1/x/b", "front/00000/000003/latents.png"):
        (tmp_path / "id" / path).parent.mkdir(parents=True)
        (tmp_path / "id" / path).write_bytes(b"x" * 700)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "c").write_bytes(b"x")
    assert store_bytes(str(tmp_path), "id") == 1400


@pytest.mark.parametrize(
    ("num_bytes", "shown"),
    [(0, "0.0 KB"), (1536, "1.5 KB"), (3 * 2**20, "3.0 MB"), (2.5 * GB, "2.5 GB")],
)
def test_sizes_are_shown_as_people_read_them(num_bytes, shown):
    assert shown_size(num_bytes) == shown


def test_below_the_quota_nothing_happens(reader, store, sizes):
    used, _ = sizes
    assert Quota(reader, store, used).check() is None
    assert store_bytes(store, reader.id) == used
    assert "store pruned" not in kinds(reader)


def test_above_it_what_no_front_needs_goes_and_the_search_goes_on(reader, store, sizes):
    used, least = sizes
    assert Quota(reader, store, used - 1).check() is None
    assert least <= store_bytes(store, reader.id) < used
    assert kinds(reader).count("store pruned") == 1
    assert reader.events()[-1].details["by"] == "quota"


def test_if_that_does_not_help_it_says_how_much_and_what_to_do(reader, store, sizes):
    _, least = sizes
    problem = Quota(reader, store, least / 2).check()
    assert problem is not None
    assert f"of `tiny`, more than its quota of {shown_size(least / 2)}" in problem
    assert "vaesearch resume tiny --store-quota " in problem
    assert kinds(reader)[-2:] == ["store pruned", "store over quota"]
    assert Quota(reader, store, least / 2).check() is not None
    assert kinds(reader).count("store pruned") == 1  # there was nothing more


class TestWatching:
    def test_a_search_over_its_quota_is_pruned_and_goes_on(self, reader, workspace, store):
        stopper = Stopper()
        with keeping_quota(reader, workspace, stopper, pytest.fail, pause_seconds=0.01):
            wait_until(lambda: "store pruned" in kinds(reader))
        assert stopper.ending is None
        assert store_bytes(store, reader.id) < 50_000

    def test_a_search_that_cannot_be_pruned_below_it_ends_with_one_line(
        self, reader, workspace, store
    ):
        Files(store, reader.id, "trials/00005/001").write("weights-000009.npz", b"x" * 60_000)
        stopper, said, ended = Stopper(), [], threading.Event()
        stopper.on_stop(ended.set)
        with keeping_quota(reader, workspace, stopper, said.append):
            assert ended.wait(SECONDS)
        assert stopper.ending is Ending.OVER_QUOTA
        (line,) = said
        assert "\n" not in line

    def test_a_store_that_does_not_answer_is_asked_again(self, reader, workspace, monkeypatch):
        asked = []

        def away(*_):
            asked.append(1)
            raise StoreError("Cannot list s3://bucket in the store: timed out.")

        monkeypatch.setattr("search.quota.store_bytes", away)
        stopper = Stopper()
        with keeping_quota(reader, workspace, stopper, pytest.fail, pause_seconds=0.01):
            wait_until(lambda: len(asked) > 3)
        assert stopper.ending is None

    def test_without_a_quota_nobody_looks(self, tmp_path, monkeypatch):
        workspace = Workspace.at(tmp_path / "ws")
        workspace.make()
        create_search(open_database(workspace.study_url), make_study(), {})
        monkeypatch.setattr("search.quota.store_bytes", pytest.fail)
        reader = StudyReader(open_database(workspace.study_url), "tiny")
        before = threading.active_count()
        with keeping_quota(reader, workspace, Stopper(), pytest.fail):
            assert threading.active_count() == before


def test_the_front_outlives_the_quota(reader, store):
    assert Quota(reader, store, 1).check() is not None
    assert_front_is_readable(reader, TrialStore(store, reader.id))


def wait_until(condition):
    """Waits for what a thread brings about."""
    pause, left = threading.Event(), SECONDS
    while not condition():
        assert left > 0, "it did not happen"
        pause.wait(0.01)
        left -= 0.01
