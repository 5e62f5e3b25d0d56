"""The commands on what a search keeps: prune, delete, logs."""

import json
import shutil

import pytest

from search.store import TrialStore
from search.study.database import open_database
from search.study.lease import Lease
from search.study.reader import StudyReader, list_names
from search.study.searches import create_search
from search.trial import TrialState
from search.workspace import Workspace
from tests.commands import Commands
from tests.contracts.study_driver import Driver
from tests.search.examples import make_study
from tests.stored_search import RUNNING, assert_front_is_readable, files_of, fill


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A workspace with a search whose trials left files."""
    workspace = Workspace.at(tmp_path_factory.mktemp("filled") / "ws")
    workspace.make()
    create_search(open_database(workspace.study_url), make_study(budget={"trials": 6}), {})
    fill(workspace, "tiny")
    return workspace


@pytest.fixture
def workspace(filled, tmp_path, monkeypatch):
    """A copy of it, which the commands take for theirs."""
    shutil.copytree(filled.folder, tmp_path / "ws")
    monkeypatch.setenv("VAESEARCH_WORKSPACE", str(tmp_path / "ws"))
    return Workspace.at(tmp_path / "ws")


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    return Commands(monkeypatch, capsys, tmp_path)


@pytest.fixture
def keep(command, workspace, monkeypatch):
    """Runs commands on that search."""
    monkeypatch.setenv("VAESEARCH_WORKSPACE", str(workspace.folder))
    return command


@pytest.fixture
def answer(monkeypatch):
    """Puts a person at the terminal, who says yes or no."""

    def sit_down(text):
        asked = []
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", lambda question: asked.append(question) or text)
        return asked

    return sit_down


def reader_of(workspace):
    return StudyReader(open_database(workspace.study_url), "tiny")


def store_of(workspace):
    reader = reader_of(workspace)
    return TrialStore(workspace.store(reader.record().config), reader.id)


def rows(text):
    """Returns what a table says, by what is deleted or kept."""
    lines = [line.split("  ") for line in text.splitlines() if line.startswith(("delete", "keep"))]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    return {(verb, what): int(count) for verb, what, count, _ in cells}


# prune


def test_prune_shows_what_goes_and_what_stays_and_asks(keep, workspace, answer):
    before = files_of(workspace.folder / "store")
    asked = answer(False)
    shown = keep("prune", "tiny").out
    found = rows(shown)
    assert found["keep", "weights of the front"] == 3
    assert found["delete", "training states"] > 0
    assert found["keep", "trials that run, wait or cannot be read"] > 0
    assert shown.endswith("Nothing was deleted.\n")
    (question,) = asked
    deleted = sum(count for (verb, _), count in found.items() if verb == "delete")
    assert question.startswith(f"Delete {deleted} files, ")
    assert files_of(workspace.folder / "store") == before


def test_prune_does_what_a_person_agrees_to(keep, workspace, answer):
    answer(True)
    shown = keep("prune", "tiny").out
    assert "\nDeleted " in shown
    assert_front_is_readable(reader_of(workspace), store_of(workspace))
    assert reader_of(workspace).events()[-1].kind == "store pruned"
    assert keep("prune", "tiny").out.endswith("Nothing to delete.\n")


@pytest.mark.parametrize(
    "options", [["--dry-run"], ["--dry-run", "--yes"], ["--dry-run", "--json"]]
)
def test_a_dry_run_deletes_nothing(keep, workspace, options):
    before = files_of(workspace.folder / "store")
    assert keep("prune", "tiny", *options).status == 0
    assert files_of(workspace.folder / "store") == before
    assert "store pruned" not in [event.kind for event in reader_of(workspace).events()]


def test_prune_without_a_terminal_wants_yes(keep, workspace):
    before = files_of(workspace.folder / "store")
    refused = keep("prune", "tiny")
    assert refused.status == 1
    assert refused.err == (
        "Error: Nothing was deleted: there is no terminal to ask on. Say --yes to agree.\n"
    )
    assert "Say --yes" in keep("prune", "tiny", "--json").error
    assert files_of(workspace.folder / "store") == before


def test_prune_keeps_as_many_more_as_wanted(keep, workspace):
    done = json.loads(keep("prune", "tiny", "--yes", "--keep", 1, "--json").out)
    assert done["deleted"] is True
    kept = {row["what"]: row["files"] for row in done["keep"]}
    assert (kept["weights of the front"], kept["weights of the next best"]) == (3, 1)
    assert (done["unknown"], done["left_alone"]) == ([], {})
    assert store_of(workspace).newest(2).notes["weights"].keys() == {"1"}
    assert store_of(workspace).newest(3).notes["weights"] == {}


def test_prune_names_what_it_does_not_know(keep, workspace):
    path = workspace.folder / "store" / reader_of(workspace).id / "trials" / "00099"
    path.mkdir()
    shown = keep("prune", "tiny", "--dry-run").out
    assert f"! {path} belongs to nothing that the study knows, and is left alone." in shown


def test_prune_works_while_a_driver_runs_the_search(keep, workspace):
    reader = reader_of(workspace)
    lease = Lease.take(reader.engine, reader.id)
    running = files_of(workspace.folder / "store" / reader.id / "trials" / f"{RUNNING:05d}")
    assert "Deleted" in keep("prune", "tiny", "--yes").out
    lease.release()
    assert_front_is_readable(reader, store_of(workspace))
    folder = workspace.folder / "store" / reader.id / "trials" / f"{RUNNING:05d}"
    assert files_of(folder) == running


def test_export_of_what_was_pruned_says_who_deleted_it(keep):
    keep("prune", "tiny", "--yes")
    error = keep("export", "tiny", "2", "--out", "model").error
    assert error.startswith("`tiny` keeps no weights of trial 2.")
    assert "whose weights `vaesearch prune` deleted" in error


# delete


def test_delete_says_what_goes_and_asks(keep, workspace, answer):
    asked = answer(False)
    shown = keep("delete", "tiny").out
    assert shown.startswith("tiny: 6 trials, ")
    assert str(workspace.folder / "store") in shown
    assert shown.endswith("Nothing was deleted.\n")
    assert asked == ["Delete `tiny` for good?"]
    assert keep("status", "tiny").status == 0


def test_delete_without_a_terminal_wants_yes(keep, workspace):
    refused = keep("delete", "tiny")
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "Say --yes to agree" in refused.err
    assert list_names(open_database(workspace.study_url)) == ["tiny"]


def test_delete_with_yes_leaves_nothing_and_the_name_is_free(keep, workspace):
    folder = workspace.folder / "store" / reader_of(workspace).id
    assert keep("delete", "tiny", "--yes").out.endswith("Deleted `tiny`.\n")
    assert not folder.exists()
    assert "no search `tiny` here" in keep("status", "tiny").error
    assert "no search `tiny` here" in keep("delete", "tiny", "--yes").error
    create_search(open_database(workspace.study_url), make_study(), {})
    assert reader_of(workspace).trials() == []


def test_delete_as_json(keep):
    done = json.loads(keep("delete", "tiny", "--yes", "--json").out)
    assert (done["deleted"], done["num_trials"], done["left"]) == (True, 6, None)


def test_a_running_search_cannot_be_deleted(keep, workspace):
    reader = reader_of(workspace)
    lease = Lease.take(reader.engine, reader.id)
    assert "is run by process" in keep("delete", "tiny", "--yes").error
    lease.release()


# logs


def test_logs_shows_every_attempt_and_how_the_trial_ended(keep):
    assert keep("logs", "tiny", 1).out.splitlines() == [
        "=== trial 1, attempt 1 ===",
        "log of trial 1, attempt 1",
        "=== trial 1, attempt 2 ===",
        "log of trial 1, attempt 2",
        "=== Trial 1 is complete.",
    ]
    assert "=== Trial 3 is failed: why.\n" in keep("logs", "tiny", 3).out


def test_logs_of_one_attempt(keep):
    shown = keep("logs", "tiny", 1, "--attempt", 2).out
    assert "attempt 1" not in shown
    assert "log of trial 1, attempt 2\n" in shown
    assert "no log of attempt 7 of trial 1" in keep("logs", "tiny", 1, "--attempt", 7).error


def test_logs_as_json(keep):
    found = json.loads(keep("logs", "tiny", 3, "--json").out)
    assert (found["trial"], found["state"], found["reason"]) == (3, "failed", "why")
    assert found["attempts"] == [{"attempt": 1, "text": "log of trial 3, attempt 1\n"}]
    assert keep("logs", "tiny", 3, "--json", "--follow").status == 2


def test_a_trial_without_a_log_says_what_is_known(keep, workspace):
    for path in (workspace.folder / "store").rglob("00003/*/log.txt"):
        path.unlink()
    assert keep("logs", "tiny", 3).error == "There is no log of trial 3. Trial 3 is failed: why."
    assert json.loads(keep("logs", "tiny", 3, "--json").out)["attempts"] == []
    assert "no trial 9: its last is 5" in keep("logs", "tiny", 9).error


def test_logs_outlive_a_pruning(keep):
    keep("prune", "tiny", "--yes")
    shown = keep("logs", "tiny", 1).out
    assert "log of trial 1, attempt 1\n" in shown
    assert "log of trial 1, attempt 2\n" in shown


def test_following_shows_what_comes_and_ends_with_the_trial(keep, workspace, monkeypatch):
    store, driver = store_of(workspace), Driver(workspace.study_url, "tiny")
    text = "begins\n"
    store.write_log(RUNNING, 1, text)
    steps = iter(range(100))

    def pause(_):
        nonlocal text
        match next(steps):
            case 0:
                text += "epoch 1\n"
                store.write_log(RUNNING, 1, text)
            case 1:
                store.write_log(RUNNING, 1, "beg")  # seen while it is written
            case 2:  # its middle is left out now
                store.write_log(RUNNING, 1, "begins\n... 1 lines left out ...\nepoch 1\nepoch 2\n")
            case 3:
                store.write_log(RUNNING, 2, "second attempt\n")
            case 4:
                driver.writer.finish(RUNNING, 1, TrialState.FAILED, "why")
                store.write_log(RUNNING, 2, "second attempt\nended\n")

    monkeypatch.setattr("search.cli.keep.time.sleep", pause)
    shown = keep("logs", "tiny", RUNNING, "--follow").out.splitlines()
    driver.close()
    assert shown == [
        "=== trial 5, attempt 1 ===",
        "begins",
        "epoch 1",
        "epoch 2",
        "=== trial 5, attempt 2 ===",
        "second attempt",
        "ended",
        "=== Trial 5 is failed: why.",
    ]


def test_following_a_search_that_nobody_runs_ends(keep):
    shown = keep("logs", "tiny", RUNNING, "--follow").out
    assert shown.endswith("=== Trial 5 is running.\n")
