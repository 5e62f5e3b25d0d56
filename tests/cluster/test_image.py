"""The image and the scripts in it: linted, made of named files, and its packages install."""

import os
import re
import shutil
import subprocess
import venv
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.cluster.deployment import CLUSTER, DOCKERFILE, ROOT, checked, install_step, items

SCRIPTS = sorted(CLUSTER.glob("*.sh"))


class TestLinted:
    def test_the_dockerfile(self):
        checked("hadolint", "--failure-threshold", "style", DOCKERFILE)

    @pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
    def test_a_script(self, path):
        checked("shellcheck", path)

    def test_the_image_is_made_of_named_files(self):
        ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
        rules = [line for line in ignored if line and not line.startswith("#")]
        assert rules[0] == "*"
        kept = {rule[1:] for rule in rules if rule.startswith("!")}
        sources = re.findall(r"^COPY (?!--from)((?:[^\n]|\\\n)+)$", DOCKERFILE.read_text(), re.M)
        words = [word for line in sources for word in line.replace("\\\n", " ").split()[:-1]]
        assert {word.rstrip("/") for word in words if not word.startswith("--")} <= kept | {"\\"}


def test_the_libraries_of_the_gpu_image_are_pinned_too():
    lines = (CLUSTER / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    wanted = [Requirement(text) for text in requires("tensorflow") or [] if "and-cuda" in text]
    assert len(wanted) > 10
    for library in wanted:
        assert library.specifier.contains(pinned[library.name]), library


@pytest.mark.slow(minutes=5)
def test_the_image_s_packages_install_as_written_and_are_pinned(tmp_path):
    ignore = shutil.ignore_patterns("__pycache__", ".*", "vaesearch-workspace", "*.egg-info")
    for name in ("pyproject.toml", "README.md", "LICENSE", "cluster/constraints.txt"):
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "source" / name)
    for name in ("search", "vaemodels"):
        shutil.copytree(ROOT / name, tmp_path / "source" / name, ignore=ignore)
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "EXTRA": ""}
    environment["PIP_NO_COMPILE"] = "1"  # half of its time would go into modules that nobody loads

    def run(*command: str, folder: Path = tmp_path) -> str:
        result = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
        return result.stdout

    run("sh", "-c", install_step(), folder=tmp_path / "source")
    assert "supervise" in run(str(programs / "vaesearch"), "--help")
    (cluster,) = items("RayCluster")
    assert cluster["spec"]["rayVersion"] in run(str(programs / "ray"), "--version")
    assert "version" in run(str(programs / "mlflow"), "--version")
    run(str(programs / "python"), "-c", "import boto3, flask_wtf, psycopg")
    pinned = (CLUSTER / "constraints.txt").read_text().lower()
    packages = run(str(programs / "pip"), "freeze", "--exclude", "vaesearch").lower().split()
    assert [package for package in packages if f"\n{package}\n" not in pinned] == []
