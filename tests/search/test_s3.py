"""A store in S3: a search lives there as on a disk, and what is wrong is told in one line."""

import time

import pytest

from search.data_store import publish, published_item
from search.deleting import deleting
from search.errors import StoreError
from search.files import Files
from search.pruning import plan_pruning
from search.quota import Quota, store_bytes
from search.showcase import Showcase
from search.store import TrialStore
from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.searches import create_search
from search.workspace import Workspace
from tests.s3_server import BUCKET, s3_running
from tests.search.examples import make_study
from tests.stored_search import FRONT, assert_front_is_readable, fill

SECONDS = 55.0  # well over three tries of ten seconds


@pytest.fixture
def search(store_root, tmp_path):
    """A search whose trials left files in a store, beside data that searches share."""
    workspace = Workspace.at(tmp_path / "ws")
    workspace.make()
    config = make_study(budget={"trials": 6}, store=store_root)
    create_search(open_database(workspace.study_url), config, {})
    fill(workspace, "tiny")
    (tmp_path / "images.npy").write_bytes(b"images")
    publish(store_root, "data-hash", tmp_path, ["images.npy"])
    reader = StudyReader(open_database(workspace.study_url), "tiny")
    yield reader, workspace, store_root
    reader.engine.dispose()


class TestWholeSearch:
    def test_it_is_pruned_and_its_front_and_shared_data_stay(self, search):
        reader, _, root = search
        before = store_bytes(root, reader.id)
        plan = plan_pruning(reader, root)
        plan.carry_out()
        assert (plan.unknown, plan.unclear) == ([], {})
        assert store_bytes(root, reader.id) < before - plan.doomed_bytes + 10_000
        assert_front_is_readable(reader, TrialStore(root, reader.id))
        assert TrialStore(root, reader.id).attempts(1) == [1, 2]
        assert TrialStore(root, reader.id).read_log(1, 1) == "log of trial 1, attempt 1\n"
        assert plan_pruning(reader, root).num_doomed == 0
        assert published_item(root, "data-hash")

    def test_its_quota_is_kept(self, search):
        reader, _, root = search
        used = store_bytes(root, reader.id)
        assert Quota(reader, root, used).check() is None
        assert store_bytes(root, reader.id) == used
        assert Quota(reader, root, used - 1).check() is None
        assert "more than its quota" in Quota(reader, root, 1).check()
        assert_front_is_readable(reader, TrialStore(root, reader.id))

    def test_what_is_shown_of_its_front_comes_and_goes(self, search):
        reader, _, root = search
        showcase = Showcase(root, reader.id)
        assert showcase.names(*FRONT[0]) == []
        showcase.add(*FRONT[0], {"decoder/MLmodel": b"flavors", "latent_use.png": b"x"})
        showcase.add(3, 2, {"latent_use.png": b"of no member"})
        assert showcase.read(*FRONT[0]) == {"decoder/MLmodel": b"flavors", "latent_use.png": b"x"}
        plan_pruning(reader, root).carry_out()
        assert set(showcase.files()) == {FRONT[0]}

    def test_it_is_deleted_and_nothing_else(self, search):
        reader, workspace, root = search
        other = TrialStore(root, "other")
        kept = other.save(0, 1, (1, 0), {"a": b"x"}, {})
        with deleting("tiny", workspace) as deletion:
            contents = deletion.contents()
            deletion.carry_out()
        assert (contents.num_files > 0, contents.folder) == (True, f"{root}/{reader.id}")
        assert Files(root, reader.id).walk() == []
        assert other.newest(0) == kept
        assert published_item(root, "data-hash")


class TestFiles:
    def test_a_file_of_any_size_goes_there_and_comes_back(self, store_root, tmp_path):
        files, source = Files(store_root, "below"), tmp_path / "source"
        source.write_bytes(bytes(range(256)) * 90_000)  # more than two of the parts it is sent in
        files.make_folder("a")
        files.upload(source, "a/b")
        with (tmp_path / "target").open("wb") as target:
            digest = files.download("a/b", target)
        assert (tmp_path / "target").read_bytes() == source.read_bytes()
        assert len(digest) == 64
        assert [(file.path, file.num_bytes) for file in files.walk()] == [("a/b", 256 * 90_000)]
        assert files.folders() == ["a"]

    def test_what_is_not_there_is_nothing(self, store_root, tmp_path):
        files = Files(store_root, "below")
        assert (files.read("a/b"), files.files("a"), files.walk(), files.folders()) == (
            None,
            [],
            [],
            [],
        )
        with (tmp_path / "target").open("wb") as target:
            assert files.download("a/b", target) is None
        files.delete("a/b")
        files.delete_folder("a")


def everything(files: Files):
    """Every way to ask a store."""
    return [
        lambda: files.read("a"),
        lambda: files.write("a", b"x"),
        lambda: files.walk(),
        lambda: files.folders(),
        lambda: files.delete_folder("a"),
    ]


class TestProblems:
    def test_a_bucket_that_does_not_exist_is_no_empty_one(self, s3_url):
        files = Files("s3://nobodys-bucket/path", "id")
        for ask in everything(files):
            with pytest.raises(StoreError, match="no such bucket; create it") as caught:
                ask()
            assert "s3://nobodys-bucket/path/id" in str(caught.value)

    def test_a_server_that_is_gone_is_told_soon_and_in_one_line(self):
        with s3_running() as server:
            server.stop()
            files, begun = Files(f"s3://{BUCKET}/path", "id"), time.monotonic()
            for ask in everything(files):
                with pytest.raises(StoreError, match=r"its server at 127\.0\.0\.1:\d+ does no"):
                    ask()
            assert time.monotonic() - begun < SECONDS
            server.start()
            assert files.read("a") is None

    @pytest.mark.slow
    def test_a_server_that_says_nothing_is_given_up(self):
        with s3_running() as server:
            files = Files(f"s3://{BUCKET}/path", "id")
            with server.silent():
                for ask in everything(files)[:2]:
                    begun = time.monotonic()
                    with pytest.raises(StoreError, match=f"s3://{BUCKET}/path/id/a.* not answer"):
                        ask()
                    assert time.monotonic() - begun < SECONDS
            assert files.read("a") in (None, b"x")

    def test_credentials_in_the_url_are_refused_and_not_repeated(self):
        with pytest.raises(StoreError, match="must not hold credentials") as caught:
            Files("s3://someone:secret@bucket/path")
        assert "secret" not in str(caught.value)
        assert "someone" not in str(caught.value)

    def test_credentials_of_the_server_are_not_shown(self, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://someone:secret@127.0.0.1:9")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
        with pytest.raises(StoreError, match="Cannot write") as caught:
            Files("s3://bucket/path").write("a", b"x")
        assert not {"secret", "someone", "hidden"} & set(str(caught.value).split())
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("s3:///path", "name a bucket, as in s3://bucket/path"),
            ("s3://bucket/path?secret_key=x", "unknown option `secret_key`"),
        ],
    )
    def test_other_nonsense_is_refused(self, url, message):
        with pytest.raises(StoreError, match=message):
            Files(url)
