"""Folders that travel by way of the store: published once, fetched once, never half."""

import multiprocessing
from pathlib import Path

import pytest

from search import data_store
from search.data_store import (
    local_folder,
    publish,
    published_item,
    remember,
    remembered,
)
from search.errors import StoreError
from search.files import Files
from tests.faults import Crash

KEY = "0123abcd"
CONTENT = {"images.npy": b"i" * 100_000, "dataset.json": b"{}"}
NOWHERE = Path("/nowhere/at/all")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VAESEARCH_CACHE", str(tmp_path / "node"))
    return tmp_path / "node"


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "driver"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def item(store_root, source, cache):
    return publish(store_root, KEY, source, sorted(CONTENT))


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refuse(*_):
    raise AssertionError("nothing should be copied")


class TestPublishing:
    def test_the_second_time_nothing_is_copied(self, item, store_root, source, monkeypatch):
        monkeypatch.setattr(Files, "upload", refuse)
        monkeypatch.setattr(Files, "write", refuse)
        assert publish(store_root, KEY, source, sorted(CONTENT)) == item
        assert published_item(store_root, KEY) == item

    @pytest.mark.parametrize("num_files", [0, 1, 2])
    def test_what_was_cut_off_does_not_exist_and_is_finished_by_the_next(
        self, store_root, source, cache, monkeypatch, num_files
    ):
        upload, done = Files.upload, []

        def failing(self, path, target):
            if len(done) == num_files:
                raise Crash
            done.append(target)
            upload(self, path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Files, "upload", failing)
            if num_files == len(CONTENT):
                patched.setattr(Files, "write", lambda *_: failing(*_))
            with pytest.raises(Crash, match=r"^$"):
                publish(store_root, KEY, source, sorted(CONTENT))
        assert published_item(store_root, KEY) is None
        item = publish(store_root, KEY, source, sorted(CONTENT))
        assert content_of(local_folder(store_root, item, NOWHERE)) == CONTENT

    @pytest.mark.parametrize("torn", [b"", b"{", b"[1]", b'{"files": 3}', b'{"files": {"a": 1}}'])
    def test_a_torn_manifest_does_not_count(self, item, store_root, source, torn):
        Files(store_root, "data", KEY).write("manifest.json", torn)
        assert published_item(store_root, KEY) is None
        assert publish(store_root, KEY, source, sorted(CONTENT)) == item

    def test_a_file_that_is_lost_is_published_again(self, item, store_root, source):
        files = Files(store_root, "data", KEY)
        (lost,) = [file for file in files.files() if file.name.endswith("images.npy")]
        files.delete(lost.path)
        assert published_item(store_root, KEY) is None
        publish(store_root, KEY, source, sorted(CONTENT))
        assert published_item(store_root, KEY) == item

    def test_another_folder_of_the_same_meaning_mixes_with_nothing(self, item, store_root, source):
        """Two drivers at once, whose files differ in what does not matter."""
        Files(store_root, "data", KEY).delete("manifest.json")
        (source / "dataset.json").write_bytes(b'{"name": "other"}')
        other = publish(store_root, KEY, source, sorted(CONTENT))
        for found, text in ((item, b"{}"), (other, b'{"name": "other"}')):
            folder = local_folder(store_root, found, NOWHERE)
            assert (folder / "dataset.json").read_bytes() == text

    def test_a_name_from_the_store_leads_nowhere_else(self, item, store_root):
        text = b'{"files": {"../../x": {"size": 1, "sha256": "00"}}}'
        Files(store_root, "data", KEY).write("manifest.json", text)
        assert published_item(store_root, KEY) is None

    def test_the_first_to_remember_a_key_wins(self, store_root):
        assert remembered(store_root, "extractor-x") is None
        remember(store_root, "extractor-x", "one")
        remember(store_root, "extractor-x", "other")
        assert remembered(store_root, "extractor-x") == "one"


class TestFetching:
    def test_a_node_without_it_fetches_it_once(self, item, store_root, cache, monkeypatch):
        folder = local_folder(store_root, item, NOWHERE)
        assert content_of(folder) == CONTENT
        assert folder.is_relative_to(cache)
        monkeypatch.setattr(Files, "download", refuse)
        assert local_folder(store_root, item, NOWHERE) == folder

    def test_a_machine_that_has_it_copies_nothing(self, item, store_root, source, monkeypatch):
        monkeypatch.setattr(Files, "download", refuse)
        assert local_folder(store_root, item, source) == source

    def test_hashes_are_looked_at_once_and_when_a_file_has_changed(
        self, item, store_root, source, monkeypatch
    ):
        looked, describe = [], data_store._describe
        monkeypatch.setattr(
            data_store, "_describe", lambda path: looked.append(path) or describe(path)
        )
        for _ in range(3):
            assert local_folder(store_root, item, source) == source
        assert len(looked) == len(CONTENT)
        (source / "images.npy").write_bytes(b"j" * 100_000)
        assert local_folder(store_root, item, source) != source

    def test_other_content_at_the_same_path_is_not_used(self, item, store_root, source):
        (source / "dataset.json").write_bytes(b"[]")
        assert content_of(local_folder(store_root, item, source)) == CONTENT

    @pytest.mark.parametrize("cut", [0, 50_000])
    def test_what_was_cut_off_is_never_used(self, item, store_root, cache, monkeypatch, cut):
        def dying(self, path, target):
            target.write(CONTENT["images.npy"][:cut])
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr(Files, "download", dying)
            patched.setattr(data_store.shutil, "rmtree", lambda *_, **__: None)  # killed at once
            with pytest.raises(Crash, match=r"^$"):
                local_folder(store_root, item, NOWHERE)
        assert len(list((cache / "data").iterdir())) == 1
        folder = local_folder(store_root, item, NOWHERE)
        assert content_of(folder) == CONTENT
        assert list((cache / "data").iterdir()) == [folder]

    def test_a_copy_that_was_damaged_is_fetched_again(self, item, store_root, cache):
        folder = local_folder(store_root, item, NOWHERE)
        (folder / "images.npy").write_bytes(b"k" * 100_000)
        assert content_of(local_folder(store_root, item, NOWHERE)) == CONTENT

    def test_a_damaged_store_is_told_with_what_to_delete(self, item, store_root, cache):
        files = Files(store_root, "data", KEY)
        (file,) = [file for file in files.files() if file.name.endswith("images.npy")]
        files.write(file.path, b"x" * 100_000)
        with pytest.raises(StoreError, match=r"images\.npy is damaged\. Delete the folder .*0123"):
            local_folder(store_root, item, NOWHERE)
        assert list((cache / "data").iterdir()) == []
        files.delete(file.path)
        with pytest.raises(StoreError, match=r"images\.npy is missing\. Delete the folder"):
            local_folder(store_root, item, NOWHERE)

    def test_a_cache_that_cannot_be_made_is_told(self, item, store_root, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("VAESEARCH_CACHE", str(tmp_path / "file"))
        with pytest.raises(StoreError, match="Set VAESEARCH_CACHE to a folder"):
            local_folder(store_root, item, NOWHERE)


def fetch_and_count(store, item, start, counts):
    """In a process of its own: fetches and puts down how many files it copied."""
    copied, download = [], Files.download

    def counting(self, path, target):
        copied.append(path)
        return download(self, path, target)

    Files.download = counting
    start.wait()
    folder = local_folder(store, item, NOWHERE)
    counts.put((len(copied), content_of(folder) == CONTENT))


def test_processes_of_one_node_fetch_once(tmp_path, source, cache):
    store = str(tmp_path / "store")
    item = publish(store, KEY, source, sorted(CONTENT))
    context = multiprocessing.get_context("spawn")
    start, counts = context.Event(), context.Queue()
    arguments = (store, item, start, counts)
    processes = [context.Process(target=fetch_and_count, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    start.set()
    found = [counts.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(copied for copied, _ in found) == [0, 0, len(CONTENT)]
    assert all(is_whole for _, is_whole in found)
