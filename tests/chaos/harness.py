"""A search that is disturbed again and again, and resumed where that is needed, to its end."""

import contextlib
import dataclasses
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psutil
import sqlalchemy as sa

from search.changing import change
from search.driver import create
from search.study.database import open_database
from search.study.reader import StudyReader
from search.workspace import STUDY_URL, Workspace
from tests.postgres import PostgresServer, free_port
from tests.search.examples import make_study

ROOT: Final = Path(__file__).parents[2]
NAME: Final = "chains"
EPOCHS: Final = 9
LEASE_SECONDS: Final = 8.0
_PATIENCE_SECONDS: Final = 180.0


@dataclasses.dataclass
class Chaos:
    """A search of chains under way.

    Args:
        folder: Empty; of the workspace, the store and the outputs.
        postgres: The study's server, None for SQLite in the workspace.
        num_trials: At the beginning; there are more if that is over before all is disturbed.
    """

    folder: Path
    postgres: PostgresServer | None
    num_trials: int = 30
    driver: "subprocess.Popen[bytes] | None" = None
    mlflow: "subprocess.Popen[bytes] | None" = None
    # Processes that were ever ours; a number alone may be another's by now.
    seen: set[psutil.Process] = dataclasses.field(default_factory=set)
    counts: Counter[str] = dataclasses.field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.store = self.folder / "store"
        self.store.mkdir()
        self._log = self.folder / "driver.txt"
        self._mlflow_port = free_port()
        url = self.postgres.url if self.postgres else None
        self.workspace = Workspace(self.folder / "ws", url)
        study = make_study(
            name=NAME,
            space={
                "latent_dim": {"type": "int", "low": 2, "high": 32},
                "beta": {"type": "float", "low": 0.01, "high": 1.0, "log": True},
            },
            budget={"trials": self.num_trials, "epochs": EPOCHS},
            early_stopping={"rule": "halving", "grace_epochs": 3, "factor": 3},
            resources={"workers": 2},
            store=str(self.store),
            tracking={"uri": f"http://127.0.0.1:{self._mlflow_port}"},
        )
        create(study, self.workspace)

    # What runs

    @property
    def environment(self) -> dict[str, str]:
        values = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "VAESEARCH_LEASE_SECONDS": str(LEASE_SECONDS),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        }
        return {**values, STUDY_URL: self.postgres.url} if self.postgres else values

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def is_running(self) -> bool:
        return self.driver is not None and self.driver.poll() is None

    def new_driver(self, log: Path) -> "subprocess.Popen[bytes]":
        """Starts a driver; the workspace is named by the folder it starts in."""
        place = self.folder / "place"
        place.mkdir(exist_ok=True)
        link = place / "vaesearch-workspace"
        if not link.exists():
            link.symlink_to(self.workspace.folder)
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.driver", NAME],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=place,
                env=self.environment,
            )

    def family(self) -> list[psutil.Process]:
        """Returns the driver's process and all that it has started."""
        if self.driver is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            driver = psutil.Process(self.driver.pid)
            family = [driver, *driver.children(recursive=True)]
            self.seen |= set(family)
            return family
        return []

    def members(self, name: str) -> list[psutil.Process]:
        """Returns the processes of the family whose command line has `name` in it."""
        found = []
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                if name in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def resume(self) -> None:
        """Starts a driver, again while the lease of the last one has not run out."""
        deadline = time.monotonic() + LEASE_SECONDS + _PATIENCE_SECONDS
        while not self.is_running:
            assert time.monotonic() < deadline, f"nobody could go on:\n{self.output}"
            self.driver = self.new_driver(self._log)
            self.counts["drivers"] += 1
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.driver.wait(6)  # a refusal comes sooner, and is no start
                if self.driver.returncode == 0:
                    return

    def start_mlflow(self) -> None:
        """Starts MLflow's server; nobody waits for it."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
        command += ["--port", str(self._mlflow_port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        quiet = {
            **os.environ,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        with (self.folder / "mlflow.txt").open("ab") as log:
            self.mlflow = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=quiet
            )

    def kill_mlflow(self) -> None:
        """Kills MLflow's server with its own processes."""
        if self.mlflow is not None:
            for process in [psutil.Process(self.mlflow.pid), *_descendants(self.mlflow.pid)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self.mlflow.wait()

    # What it has come to

    def reader(self) -> StudyReader:
        return StudyReader(open_database(self.workspace.study_url), NAME)

    def num_measured(self) -> int:
        """Returns how many measurements there are; 0 while the database is away."""
        with contextlib.suppress(sa.exc.SQLAlchemyError, Exception):
            return sum(len(trial.measurements) for trial in self.reader().trials())
        return 0

    def wait(self, condition: Callable[[], Any], seconds: float = _PATIENCE_SECONDS) -> bool:
        """Waits for a condition; returns whether it came true."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.family()
            time.sleep(0.2)
        return True

    def go_on(self) -> None:
        """Has the search run and measure something new, whatever state it is in."""
        known = self.num_measured()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self.num_measured() <= known:
            assert time.monotonic() < deadline, f"nothing new was measured:\n{self.output}"
            if not self.is_running:
                if self.is_over():
                    change(NAME, self.workspace, trials=self.reader().record().num_trials + 10)
                self.resume()
            self.family()
            time.sleep(0.2)

    def is_over(self) -> bool:
        study = self.reader()
        trials = study.trials()
        finished = sum(trial.state.is_finished for trial in trials)
        return finished >= study.record().num_trials

    def finish(self) -> None:
        """Lets the search run to its end undisturbed."""
        deadline = time.monotonic() + 2 * _PATIENCE_SECONDS
        while not (self.is_over() and not self.is_running):
            assert time.monotonic() < deadline, f"it does not end:\n{self.output}"
            if not self.is_running:
                self.resume()
            self.family()
            time.sleep(0.2)
        # What the last driver had not told MLflow, or measured again, another one does.
        last = self.output.rpartition("starting Ray")[2]
        if "MLflow lacks" in last or "ended: finished" not in last.splitlines()[-1]:
            self.resume()
            assert self.driver is not None
            self.driver.wait(_PATIENCE_SECONDS)

    def close(self) -> None:
        """Ends everything that is still there."""
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self.driver is not None:
            self.driver.wait(30)
        self.kill_mlflow()

    def left_over(self, seconds: float = 60.0) -> list[str]:
        """Returns the processes of the search that are still there after some time."""

        def alive() -> list[str]:
            found = []
            for process in self.seen:
                with contextlib.suppress(psutil.Error):
                    is_alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
                    if is_alive and _is_ours(process):
                        found.append(f"{process.pid} {process.name()}")
            return found

        self.wait(lambda: not alive(), seconds)
        return alive()


def _descendants(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def _is_ours(process: psutil.Process) -> bool:
    words = " ".join(process.cmdline())
    return "ray" in words or "tests.chaos" in words
