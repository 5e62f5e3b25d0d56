"""The README tells the truth: its commands run as they stand, and it names every command."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from search.cli.main import app
from search.config import StudyConfig
from search.models.vocabulary import METRICS
from tests.running import finished, running

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```bash\n(.*?)```", README, re.S) for line in block.splitlines()
]


def test_every_command_and_its_options_are_documented():
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert f"vaesearch {name}" in README, name
        for option in (o for p in command.params for o in p.opts if o.startswith("--")):
            assert option in README, f"{name} {option}"


def test_every_key_of_a_study_file_and_every_metric_is_documented():
    for word in (*StudyConfig.model_fields, *METRICS):
        assert f"`{word}`" in README, word


def test_its_pictures_and_links_exist():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).is_file()] == []


@pytest.mark.slow(minutes=5)
def test_its_first_search_runs_as_it_stands(tmp_path):
    assert [c.split()[1] for c in COMMANDS if c.startswith("vaesearch")][:3] == [
        "init",
        "check",
        "run",
    ]
    for line in COMMANDS:
        program, *arguments = shlex.split(line)
        if program == "vaesearch":
            finished(tmp_path, *arguments)
        else:
            subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=True)
    assert (tmp_path / "front.png").stat().st_size > 10_000
    assert (tmp_path / "samples.png").stat().st_size > 10_000


EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.mark.slow
def test_its_python_runs_as_it_stands(tmp_path):
    ran, looked = [_printed(example, tmp_path) for example in EXAMPLES if "search" in example]
    assert ran.splitlines()[-1] == "finished"
    assert "params.beta" in looked
    assert "Plotly.newPlot" in (tmp_path / "front.html").read_text()


def test_its_models_need_nothing_of_the_search(tmp_path):
    """As where Ray, Optuna and MLflow are not installed."""
    (code,) = [example for example in EXAMPLES if "search" not in example]
    assert len(code.strip().splitlines()) <= 11
    absent = "import sys\nfor name in ('ray', 'optuna', 'mlflow', 'sqlalchemy', 'search'):\n"
    printed = _printed(f"{absent}    sys.modules[name] = None\n{code}", tmp_path)
    assert printed.splitlines()[-1] == "(16, 8, 8, 1)"


def _printed(code, folder):
    """Returns what a program prints that runs in a folder."""
    (folder / "example.py").write_text(code)
    command = [sys.executable, "example.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_its_page_of_trials_starts(tmp_path):
    assert "`vaesearch ui`" in README
    with running(tmp_path, "ui") as command:
        command.wait(status=1)
    assert "no MLflow record yet" in command.output
