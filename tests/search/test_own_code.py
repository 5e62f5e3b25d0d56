"""Code of the user's: what is packed, where it is kept, and what a study may say of it."""

import os
import shutil
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from search.changing import change, fork
from search.driver import create
from search.errors import DataError, IdentityError, NotFoundError, SearchError, StudyConfigError
from search.models.belongings import images_of, submitted, use_code, with_code
from search.models.counting import count_built
from search.models.own_code import Archive, importable, pack, permission, place, place_of
from search.models.params import model_config
from search.study.database import open_database
from search.study.lease import Lease
from search.study.own_code import drop_unused_code, keep_code, kept_code
from search.study.reader import StudyReader
from search.study.removal import remove_search
from search.study.searches import check_same
from search.study.tables import own_code
from search.workspace import Workspace
from tests.own_modules import LAB, nothing_allowed
from tests.search.examples import make_study
from vaemodels.config import OwnConfig, VAEConfig
from vaemodels.own import OWN_MODULES, is_own

PARTS = {
    "encoder": "lab_parts:encoder",
    "decoder": "lab_parts:decoder",
    "prior": "lab_parts:LaplacePrior",
}


@pytest.fixture(autouse=True)
def nothing_of_anybody():
    with nothing_allowed():
        yield


@pytest.fixture
def lab(tmp_path):
    """A copy of the example, to be edited."""
    return Path(shutil.copytree(LAB, tmp_path / "lab", ignore=shutil.ignore_patterns("__py*")))


@pytest.fixture
def place_(tmp_path):
    place = Workspace.at(tmp_path / "ws")
    place.make()
    return place


def lab_study(folder=LAB, **changes):
    return make_study(**{"dataset": "lab_data:load", "code": str(folder), **changes})


class TestPacking:
    def test_modules_and_packages_are_packed_whole_and_nothing_else(self, lab, tmp_path):
        (lab / "lab_tools" / "table.csv").write_text("1,2\n")
        (lab / "lab_tools" / "__pycache__").mkdir()
        (lab / "lab_tools" / "__pycache__" / "x.pyc").write_bytes(b"x")
        (lab / ".git").mkdir()
        (lab / ".git" / "config.py").write_text("")
        (lab / "images.npz").write_bytes(b"large")
        folder = place(pack(str(lab)), tmp_path)
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert files == {
            "lab_data.py",
            "lab_parts.py",
            "lab_tools/__init__.py",
            "lab_tools/table.csv",
        }
        names = [path.name for path in importable(folder)]
        assert names == ["lab_data.py", "lab_parts.py", "lab_tools"]
        assert permission(folder) == {OWN_MODULES: "lab_data,lab_parts,lab_tools"}

    def test_equal_files_have_equal_hashes_and_others_do_not(self, lab):
        first = pack(str(lab))
        os.utime(lab / "lab_data.py", (1, 1))
        assert pack(str(lab)) == first
        with (lab / "lab_data.py").open("a") as file:
            file.write("# one more line\n")
        assert pack(str(lab)).hash != first.hash

    def test_a_package_is_packed_under_its_name(self, lab, tmp_path):
        by_folder = place(pack(str(lab / "lab_tools")), tmp_path)
        assert [path.name for path in importable(by_folder)] == ["lab_tools"]
        installed = place(pack("iniconfig"), tmp_path)
        assert (installed / "iniconfig" / "exceptions.py").is_file()
        module = place(pack("typing_extensions"), tmp_path)
        assert [path.name for path in importable(module)] == ["typing_extensions.py"]

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("nowhere", r"no folder nowhere, and no package or module of that name is installed"),
            ("no/where", r"no folder no/where"),
            ("os.path", r"no folder os\.path"),
            ("code", r"no folder code, and no package or module of that name is installed"),
            ("{empty}/my-parts", r"my-parts is a package, and 'my-parts' is no name of one"),
            ("math", r"`math` is no package and no module of Python source|no package or module"),
            ("{empty}", r"holds no Python modules or packages, such as my_parts\.py"),
        ],
    )
    def test_what_is_no_code_is_refused(self, tmp_path, path, message):
        (tmp_path / "empty" / "my-parts").mkdir(parents=True)
        (tmp_path / "empty" / "my-parts" / "__init__.py").touch()
        with pytest.raises(StudyConfigError, match=message) as caught:
            pack(path.format(empty=tmp_path / "empty"))
        assert caught.value.location == ("code",)

    def test_what_is_not_what_its_hash_says_is_not_placed(self, lab, tmp_path):
        other = pack(str(lab / "lab_tools"))
        changed = Archive(pack(str(lab)).hash, other.content)
        with pytest.raises(SearchError, match=r"code [0-9a-f]{12} is other code: it was changed"):
            place(changed, tmp_path / "cache")
        assert not place_of(changed.hash, tmp_path / "cache").exists()

    def test_too_much_is_refused(self, lab, monkeypatch):
        (lab / "lab_tools" / "images.bin").write_bytes(bytes(11 * 2**20))
        with pytest.raises(StudyConfigError, match=r"more than 10 MB; name a folder that holds co"):
            pack(str(lab))
        monkeypatch.setattr("search.models.own_code._MOST_FILES", 3)
        with pytest.raises(StudyConfigError, match=r"has 4 files, more than 3"):
            pack(str(lab))


class TestStudyFile:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"dataset": "lab_data:load"}, r"the loader 'lab_data:load' needs `code`"),
            ({"fixed": {"prior": "lab_parts:LaplacePrior"}}, r"`prior` needs `code`"),
            ({"fixed": {"own.filters": 3}}, r"`own\.filters` needs `code`"),
            (
                {"space": {"own.x": {"type": "int", "low": 1, "high": 2}}},
                r"`own\.x` needs `code`, the folder of your modules",
            ),
            (
                {"space": {"prior": {"type": "categorical", "choices": ["vamp", "lab:prior"]}}},
                r"`prior` needs `code`",
            ),
            ({"fixed": {"own.": 3}, "code": "lab"}, r"no model has a parameter `own\.`"),
        ],
    )
    def test_names_of_own_code_need_code(self, changes, message):
        with pytest.raises(ValueError, match=message):
            make_study(**changes)

    def test_params_become_own_parts_with_their_options(self):
        params = {**PARTS, "own.filters": 3, "latent_dim": 2}
        config = model_config(lab_study().model_params(params), (8, 8, 1))
        assert config.own_parts == list(PARTS.values())
        assert config.own == {"filters": 3}
        with pytest.raises(StudyConfigError, match=r"`encoder`: .*such as my_parts:encoder"):
            model_config({"encoder": "conv"}, (8, 8, 1))

    def test_a_name_is_not_called(self, place_):
        """A study that names what its code does not hold runs nothing of it."""
        study = lab_study(dataset="os:getcwd")
        assert is_own(study.dataset.name)
        with pytest.raises(DataError, match=r"allowed: lab_data, .*Received: 'os:getcwd'"):
            create(study, place_)


class TestSearches:
    def test_a_search_keeps_the_code_that_it_began_with(self, lab, place_):
        create(lab_study(lab), place_)
        shutil.rmtree(lab)
        shutil.rmtree(place_.cache / "code")
        reader = StudyReader(open_database(place_.study_url), "tiny")
        code = reader.record().config.code
        assert code.path == str(lab)
        assert reader.record().identity["own_code"] == code.hash
        sys.path_importer_cache.clear()
        for name in ("lab_data", "lab_tools"):
            sys.modules.pop(name, None)
        folder = use_code(reader.record().config, place_)
        assert (folder / "lab_data.py").read_text() == (LAB / "lab_data.py").read_text()
        assert images_of(reader, place_).hash == reader.record().identity["data"]

    def test_impossible_models_are_refused_before_anything_is_made(self, place_):
        decoder = {"type": "categorical", "choices": ["lab_parts:decoder", "lab_parts:no_image"]}
        filters = {"type": "int", "low": 2, "high": 4}
        fixed = {"encoder": "lab_parts:encoder"}
        study = lab_study(space={"own.filters": filters, "decoder": decoder}, fixed=fixed)
        message = r"impossible model, own\.filters=2, decoder='lab_parts:no_image': .*\(None, 3\)"
        with pytest.raises(StudyConfigError, match=message):
            create(study, place_)
        with pytest.raises(StudyConfigError, match=r"`own\.width`.*Expected an argument of lab_p"):
            create(lab_study(fixed={**PARTS, "own.width": 3}), place_)
        engine = open_database(place_.study_url)
        with engine.connect() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(own_code)) == 0

    def test_other_code_under_the_same_name_is_another_search(self, lab, place_):
        create(lab_study(lab), place_)
        engine = open_database(place_.study_url)
        check_same(engine, with_code(lab_study(lab))[0])
        with (lab / "lab_data.py").open("a") as file:
            file.write("# one more line\n")
        with pytest.raises(SearchError, match=r"another search `tiny`, with other code\."):
            check_same(engine, submitted(engine, lab_study(lab)))

    def test_a_study_file_that_names_a_hash_gets_that_code_or_none(self, lab, place_, tmp_path):
        named = with_code(lab_study(lab))[0]
        create(named, place_)
        with (lab / "lab_data.py").open("a") as file:
            file.write("# one more line\n")
        engine = open_database(place_.study_url)
        assert with_code(named, lambda: engine) == (named, None)
        with pytest.raises(StudyConfigError, match=r"lab holds other code than the study names"):
            with_code(named, lambda: open_database(f"sqlite:///{tmp_path / 'empty.db'}"))

    def test_new_code_can_take_the_place_of_the_old(self, lab, place_):
        create(lab_study(lab), place_)
        with (lab / "lab_parts.py").open("a") as file:
            file.write("# a mistake less\n")
        for name in ("lab_data", "lab_tools"):
            del sys.modules[name]
        engine = open_database(place_.study_url)
        archive = pack(str(lab))
        keep_code(engine, archive)
        change("tiny", place_, code={"path": str(lab), "hash": archive.hash})
        reader = StudyReader(engine, "tiny")
        assert reader.record().config.code.hash == archive.hash
        assert reader.record().identity["own_code"] == archive.hash
        event = reader.events()[-1]
        assert (event.kind, event.details) == (
            "changed",
            {"code": f"{lab} ({archive.hash[:12]})"},
        )

    def test_a_fork_with_other_code_cannot_compare_measurements(self, lab, place_):
        create(lab_study(lab), place_)
        record = StudyReader(open_database(place_.study_url), "tiny").record()
        assert fork("tiny", record.config.model_copy(update={"name": "same"}), place_) == 0
        same = StudyReader(open_database(place_.study_url), "same").record()
        assert same.identity == record.identity

    def test_images_that_changed_are_refused(self, place_, tmp_path):
        """A loader that gives other images later cannot be mistaken for the search's own."""
        (tmp_path / "width.txt").write_text("1")
        dataset = {"name": "lab_data:load", "data_dir": str(tmp_path)}
        create(lab_study(dataset=dataset), place_)
        (tmp_path / "width.txt").write_text("2")
        shutil.rmtree(place_.cache / "data")
        reader = StudyReader(open_database(place_.study_url), "tiny")
        with pytest.raises(DataError, match=r"lab_data:load holds other images than those of"):
            images_of(reader, place_)
        with pytest.raises(IdentityError, match=r"data: "):
            change("tiny", place_, trials=9)

    def test_code_that_nothing_names_is_removed_with_the_last_search(self, place_):
        create(lab_study(), place_)
        engine = open_database(place_.study_url)
        reader = StudyReader(engine, "tiny")
        code_hash = reader.record().config.code.hash
        with engine.begin() as connection:
            connection.execute(sa.update(own_code).values(created_at=0.0))
            drop_unused_code(connection)  # but a search names it
        keep_code(engine, kept_code(engine, code_hash))  # again: no second row, and fresh
        with engine.begin() as connection:
            assert connection.scalars(sa.select(own_code.c.created_at)).one() > 0.0
            connection.execute(sa.update(own_code).values(created_at=0.0))
        remove_search(place_.study_url, reader.id, Lease.take(engine, reader.id))
        with pytest.raises(NotFoundError, match=r"does not keep the code [0-9a-f]{12}\."):
            kept_code(engine, code_hash)


class TestCounting:
    """Of models with parts of the user's, which another process builds."""

    def counted(self, lab, monkeypatch, line):
        with (lab / "lab_parts.py").open("a") as file:
            file.write(f"\n{line}\n")
        monkeypatch.setenv(OWN_MODULES, "lab_parts")
        monkeypatch.syspath_prepend(lab)
        return count_built([VAEConfig((8, 8, 1), 3, encoder=OwnConfig("lab_parts:encoder"))])

    def test_what_the_code_prints_is_passed_over(self, lab, monkeypatch):
        line = "import atexit; print('hello'); atexit.register(print, '{goodbye}')"
        assert self.counted(lab, monkeypatch, line)[0] > 0

    def test_code_that_ends_the_process_is_named(self, lab, monkeypatch):
        with pytest.raises(StudyConfigError, match=r"models of your own code failed: no licence"):
            self.counted(lab, monkeypatch, "print('hello'); raise SystemExit('no licence')")

    def test_what_lies_in_the_current_folder_is_not_run(self, lab, monkeypatch, tmp_path):
        (tmp_path / "keras.py").write_text("raise RuntimeError('not asked for')")
        monkeypatch.chdir(tmp_path)
        assert self.counted(lab, monkeypatch, "")[0] > 0
