"""Every benchmark runs as the README calls it, small, and prints what it measured."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import main, names, summary
from tests.running import DEADLINE_SECONDS

ROOT = Path(__file__).parents[1]
NUMBER = r"(?:inf|[\d,]+\.?\d*)"
SPREAD = rf"{NUMBER} \[{NUMBER}, {NUMBER}\]"
# A line with figures of each.
LINES = {
    "equal_work": rf"\| ours / stock, less \| {SPREAD} \|",
    "fid": rf" 64 +{NUMBER} \({NUMBER}\) ",
    "front": rf"\| 90% \| {SPREAD} in \d \| {SPREAD} in \d \| (?:{SPREAD}|-) \|",
    "halving": rf"\| factor 3, grace 3 \* \| {SPREAD} ",
    "memory": rf"\| ray::\S+ \| {NUMBER} \| {NUMBER} \| {NUMBER} \| {NUMBER} \|",
    "metrics": SPREAD,
    "orchestration": rf"^{NUMBER} ms a trial, {NUMBER} times Ray Tune's\.$",
    "reproduce": r"\| t000/params \| parameters_mlp \| 416969 \| 416969 \| .* agrees \|",
    "samplers": rf"\| ZDT1 \| 25 \| {SPREAD} ",
    "sampling": rf"\| 50 \| tpe \| {SPREAD} \| {SPREAD} \|",
    "start": SPREAD,
    "step": SPREAD,
    "tracking": rf"\| ours \| fast \| {NUMBER} \| {NUMBER} % \| {NUMBER} s \| \d+ \| \d+ ",
}


def test_the_list_names_every_benchmark_and_says_what_it_is(capsys):
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{n:14} {summary(n)}" for n in names()]
    assert all(summary(name).endswith(".") for name in names())


def test_one_that_is_not_there_is_refused(capsys):
    assert main(["speed"]) == 2
    assert "There is no benchmark 'speed'. There are: equal_work, fid," in capsys.readouterr().err


def test_images_that_are_not_there_are_named_in_one_line(tmp_path, capsys):
    assert main(["equal_work", "--data-dir", str(tmp_path)]) == 1
    assert f"Error: Missing {tmp_path}/train-images" in capsys.readouterr().err


@pytest.mark.slow(minutes=14)
@pytest.mark.parametrize("name", names())
def test_a_quick_run_prints_machine_and_figures(name):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.match(r"\d{4}-\d\d-\d\d, .+, \d+ cores, Python 3\.", done.stdout)
    assert re.search(LINES[name], done.stdout, re.MULTILINE), done.stdout
