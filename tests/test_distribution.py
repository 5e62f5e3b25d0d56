"""What a user gets: the wheel, installed elsewhere, run elsewhere, looked at in a browser."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.running import Command, finished, running, wait_until

pytestmark = pytest.mark.slow(minutes=3)

PROJECT = Path(__file__).parents[1]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "search", "vaemodels")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1200",
    "--virtual-time-budget=20000",
    "--dump-dom",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this project, built from a copy: building leaves files behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in PARTS:
        path = PROJECT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, folder)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = (folder / "dist").iterdir()
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with the wheel's packages."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--disable-pip-version-check", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture(scope="module")
def searched(installed, tmp_path_factory) -> Path:
    """A folder in which the installed program has run a search called `parcel`."""
    folder = tmp_path_factory.mktemp("searched")
    path = {"PYTHONPATH": str(installed)}
    finished(folder, "init", "study.yaml", **path)
    finished(folder, "check", "study.yaml", **path)
    options = ["--name", "parcel", "--trials", "2", "--epochs", "20"]
    finished(folder, "run", "study.yaml", *options, **path)
    return folder


@pytest.fixture(scope="module")
def server(installed, searched) -> Iterator[str]:
    """The address of MLflow's pages on that search."""
    with serving(searched, installed) as (_, address):
        yield address


@contextlib.contextmanager
def serving(folder: Path, installed: Path) -> Iterator[tuple[Command, str]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with running(folder, "ui", "--port", str(port), PYTHONPATH=str(installed)) as command:
        wait_until(lambda: "Ctrl-C" in command.output, command)
        yield command, f"http://127.0.0.1:{port}"


def asked(address: str, path: str, **question: Any) -> Any:
    """Returns what MLflow's API answers."""
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/{path}",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def run_ids(address: str) -> dict[str, str]:
    """Returns the ids of all runs by their names."""
    runs = asked(address, "runs/search", experiment_ids=["1"])["runs"]
    return {run["info"]["run_name"]: run["info"]["run_id"] for run in runs}


def page(address: str) -> str:
    """Returns the page that a browser shows, once its scripts have run."""
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        command = [str(BROWSER), *BROWSER_FLAGS, f"--user-data-dir={profile}", address]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        family = psutil.Process(process.pid)
        try:
            return process.communicate(timeout=120)[0]
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in (*family.children(recursive=True), family):
                    child.kill()
            process.wait()


def assert_shows(address: str, *words: str) -> None:
    """Checks a page; a busy machine may need a second look before its scripts are done."""
    for _ in range(3):
        shown = page(address)
        if all(word in shown for word in words):
            return
    raise AssertionError(f"{address} does not show {words}:\n{shown[-3000:]}")


@pytest.fixture
def browser() -> None:
    if BROWSER is None:
        assert "CI" not in os.environ, "no chromium: CI must install one"
        pytest.skip("no chromium; install it to see the pages tested")


def test_the_wheel_holds_the_packages_and_their_data_alone(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "search",
        "vaemodels",
    }
    sources = {
        str(path.relative_to(PROJECT))
        for package in ("search", "vaemodels")
        for path in (PROJECT / package).rglob("*")
        if path.suffix in (".html", ".py", ".yaml")
    }
    assert sources <= names


def test_the_installed_program_is_the_one_that_runs(installed, tmp_path):
    code = "import search, vaemodels; print(search.__file__); print(vaemodels.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    found = subprocess.check_output(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, text=True
    )
    assert [Path(line).parents[1] for line in found.splitlines()] == [installed] * 2


def test_the_installed_program_searches(installed, searched):
    path = {"PYTHONPATH": str(installed)}
    found = json.loads(finished(searched, "pareto", "parcel", "--json", **path))
    assert found["states"] == {"complete": 2}
    assert found["front"]
    finished(searched, "pareto", "parcel", "--samples", "samples.png", **path)
    assert (searched / "samples.png").read_bytes().startswith(b"\x89PNG")


def test_an_exported_model_draws_images(installed, searched):
    path = {"PYTHONPATH": str(installed)}
    finished(searched, "export", "parcel", "1", "--out", "model", **path)
    environment = {**os.environ, **path}
    said = subprocess.check_output(
        [sys.executable, "model/example.py"],
        cwd=searched,
        env=environment,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert "generated (16, 8, 8, 1)" in said
    assert (searched / "model" / "generated.npy").exists()


def test_the_pages_hold_every_run(server):
    assert set(run_ids(server)) == {"parcel", "trial-00000", "trial-00001"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_pages_are_for_this_machine_alone_and_end_quietly(installed, searched, number):
    with serving(searched, installed) as (command, address):
        family = psutil.Process(command.process.pid).children(recursive=True)
        listening = {
            connection.laddr
            for process in family
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert {f"http://{ip}:{port}" for ip, port in listening} == {address}
        command.send(number)
        command.wait(30)
    assert command.output.count("\n") == 1
    assert command.output.startswith(f"MLflow: {address}/#/experiments/1/runs")
    assert not any(process.is_running() for process in family)


@pytest.mark.usefixtures("browser")
def test_a_browser_shows_the_search_and_its_trials(server):
    assert_shows(f"{server}/#/experiments/1/runs?workflowType=machine_learning", "parcel", "runs")
    trial = run_ids(server)["trial-00000"]
    assert_shows(f"{server}/#/experiments/1/runs/{trial}", "trial-00000", "learning_rate", "fid")
