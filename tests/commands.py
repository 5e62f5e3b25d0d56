"""Commands run inside the test's own process, and a small search for them to look at."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from search.cli.main import main
from search.study.database import open_database
from search.study.searches import create_search
from search.trial import Measurement, TrialState
from search.workspace import Workspace
from tests.contracts.study_driver import Driver
from tests.search.examples import make_study

FIGURES = ((9.0, 0.2), (4.0, 0.3), (6.0, 0.6))  # FID and TVD of each trial; the last is dominated


@dataclasses.dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of a refusal, without its `Error: `."""
        assert (self.status, self.out) == (1, ""), self
        assert self.err.startswith("Error: "), self
        assert self.err.count("\n") == 1, self
        return self.err.removeprefix("Error: ").rstrip()


class Commands:
    """Calls `main` with arguments, as the shell does, in an empty folder."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
    ):
        monkeypatch.chdir(folder)
        monkeypatch.delenv("VAESEARCH_WORKSPACE", raising=False)
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Result:
        self._monkeypatch.setattr(sys, "argv", ["vaesearch", *map(str, arguments)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit, match=r"^\d+$") as ended:
            main()
        out, err = self._capsys.readouterr()
        return Result(int(ended.value.code or 0), out, err)


def make_search(
    folder: Path,
    name: str = "tiny",
    figures: Sequence[tuple[float, float]] = FIGURES,
    **changes: Any,
) -> Workspace:
    """Makes a workspace with a search of three measured trials and one that failed."""
    workspace = Workspace.at(folder)
    workspace.make()
    engine = open_database(workspace.study_url)
    config = make_study(name=name, budget={"trials": 4, "epochs": 1}, **changes)
    create_search(engine, config, {})
    driver = Driver(workspace.study_url, name)
    for fid, tvd in figures:
        trial = driver.writer.new_trial()
        attempt = driver.writer.start_attempt(trial)
        measurement = Measurement(1, {"fid": fid, "tvd": tvd}, 1.0)
        driver.writer.record(trial.number, attempt, [measurement])
        driver.writer.finish(trial.number, attempt, TrialState.COMPLETE)
    trial = driver.writer.new_trial()
    attempt = driver.writer.start_attempt(trial)
    driver.writer.finish(trial.number, attempt, TrialState.FAILED, "the loss became nan in epoch 1")
    driver.writer.note("driver ended", {"ending": "finished"})
    driver.lease.release()
    driver.close()
    engine.dispose()
    return workspace
