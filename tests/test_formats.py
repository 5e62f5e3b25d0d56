"""Studies of every released format are kept, and still resume."""

import shutil
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.tables import SCHEMA_VERSION, metadata
from search.study_file import load_study
from search.trial import TrialState
from tests.running import finished, reader

GOLDEN = Path(__file__).parent / "golden"
NAME = "first-format"


@pytest.fixture
def kept(tmp_path):
    """A search of format 1: two trials complete, one in the middle, killed."""
    with zipfile.ZipFile(GOLDEN / "format-1.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_an_old_database_gains_what_is_new_and_loses_nothing(kept):
    url = f"sqlite:///{kept / 'ws' / 'study.db'}"
    with sa.create_engine(url).connect() as connection:
        before = connection.execute(sa.text("select number, params, state from trial")).all()
    for _ in range(2):  # the second time there is nothing to do
        engine = open_database(url)
        for table in metadata.sorted_tables:
            found = {column["name"] for column in sa.inspect(engine).get_columns(table.name)}
            assert found == set(table.c.keys())
    with engine.connect() as connection:
        after = connection.execute(sa.text("select number, params, state from trial")).all()
        version = connection.scalar(sa.text("select max(version) from vaesearch_schema"))
    assert (after, version) == (before, SCHEMA_VERSION)
    study = StudyReader(engine, NAME)
    assert study.record().num_trials == 4
    assert [trial.last_epoch for trial in study.trials()] == [60, 60, 20]


def test_an_old_study_file_still_says_the_same(kept):
    new = load_study(kept / "study.yaml")
    stored = reader(kept, NAME).record().config
    assert new.model_copy(update={"resources": stored.resources}) == stored


@pytest.mark.slow
def test_an_old_search_goes_on_to_its_end(kept):
    before = {t.number: t.measurements for t in reader(kept, NAME).trials()}
    output = finished(kept, "resume", NAME, "--accept-code-change", "--workers", "1")
    trials = reader(kept, NAME).trials()
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert trials[0].measurements == before[0]
    assert trials[2].measurements[: len(before[2])] == before[2]  # it went on from its checkpoint
    assert "Pareto front of first-format" in output
    shutil.rmtree(kept / "ws")
