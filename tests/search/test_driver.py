"""What a driver refuses before it starts anything."""

import pytest

from search.changing import changed
from search.driver import _check_hours, check_identity, create
from search.errors import IdentityError, SearchError, StudyConfigError
from search.models.images import with_absolute_paths
from search.study.database import open_database
from search.study.searches import create_search
from search.workspace import Workspace
from tests.contracts.study_driver import Driver
from tests.search.examples import make_study

IDENTITY = {"data": "d", "seed": 0, "code": "old"}


@pytest.fixture
def driver(sqlite_url, request):
    engine = open_database(sqlite_url)
    create_search(engine, make_study(name=f"drive-{id(request):x}"), IDENTITY)
    driver = Driver(sqlite_url, f"drive-{id(request):x}")
    yield driver
    driver.close()
    engine.dispose()


@pytest.mark.parametrize(
    ("current", "accept", "message"),
    [
        ({"code": "new"}, False, "code: 'old' -> 'new'.*--accept-code-change"),
        ({"data": "e"}, False, "data: 'd' -> 'e'.*undo that"),
        ({"data": "e", "code": "new"}, True, "data: 'd' -> 'e'.*undo that"),
    ],
)
def test_a_search_under_other_conditions_is_refused(driver, current, accept, message):
    with pytest.raises(IdentityError, match=message):
        check_identity(driver.writer, driver.reader.record(), {**IDENTITY, **current}, accept)
    assert driver.reader.events() == []


def test_an_accepted_change_of_code_is_in_the_history_and_asked_once(driver):
    current = {**IDENTITY, "code": "new"}
    check_identity(driver.writer, driver.reader.record(), current, accept_code_change=True)
    assert [event.kind for event in driver.reader.events()] == ["code change accepted"]
    check_identity(driver.writer, driver.reader.record(), current, accept_code_change=False)


def test_used_up_hours_are_refused_with_the_remedy():
    _check_hours("demo", None, 1e9)
    _check_hours("demo", 2.0, 7199.0)
    with pytest.raises(SearchError, match=r"used up its 2 hours.*resume demo --hours 4"):
        _check_hours("demo", 2.0, 7200.0)


def test_only_what_is_given_changes():
    study = make_study()
    assert changed(study) == study
    assert changed(study, trials=9).budget.trials == 9
    assert changed(study, sampler="tpe", workers=3).resources.workers == 3
    with pytest.raises(StudyConfigError, match=r"budget\.hours: .*greater than 0"):
        changed(study, hours=0.0)


def test_paths_are_kept_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images.npz").touch()
    study = make_study(dataset={"name": "images.npz"}, store="weights")
    kept = with_absolute_paths(study)
    assert kept.dataset.name == str(tmp_path / "images.npz")
    assert kept.store == str(tmp_path / "weights")
    far = make_study(dataset="digits", store="s3://bucket/path")
    assert with_absolute_paths(far) == far


def test_a_refused_search_leaves_no_workspace_that_was_not_there(tmp_path):
    study = make_study(dataset={"name": "mnist", "data_dir": str(tmp_path / "nowhere")})
    for folder, is_kept in (("new", False), ("old", True)):
        place = Workspace.at(tmp_path / folder)
        if is_kept:
            place.make()
        with pytest.raises(SearchError, match=r"Missing .*nowhere"):
            create(study, place)
        assert place.folder.exists() is is_kept


def test_what_was_put_into_a_new_workspace_stays(tmp_path):
    place = Workspace.at(tmp_path / "ws")

    def refused():
        with place.made():
            (place.cache / "empty").mkdir(parents=True)
            (place.folder / "kept").touch()
            raise SearchError("refused")

    with pytest.raises(SearchError, match="refused"):
        refused()
    assert [path.name for path in place.folder.rglob("*")] == ["kept"]
