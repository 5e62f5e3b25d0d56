"""Secrets are made by one script, are in no file of ours, and nothing starts without them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.deployment import (
    CLUSTER,
    COMPOSE,
    DOCKERFILE,
    KUBERAY,
    MANY_MACHINES,
    WORKER,
    UnsetError,
    compose,
    containers,
    items,
    required,
)

SECRET = re.compile("PASSWORD|TOKEN|SECRET|PASSPHRASE|ACCESS_KEY")


@pytest.fixture
def secrets(tmp_path):
    """What make-env.sh writes, by name."""
    return parsed(made(tmp_path / "project"))


def made(folder: Path) -> Path:
    """Runs a copy of make-env.sh from somewhere else and returns the file it wrote."""
    (folder / "cluster").mkdir(parents=True)
    shutil.copy(CLUSTER / "make-env.sh", folder / "cluster")
    subprocess.run([folder / "cluster" / "make-env.sh"], cwd="/", check=True, capture_output=True)
    return folder / ".env"


def parsed(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


class TestSecrets:
    def test_the_file_is_for_its_owner_alone_and_every_secret_is_its_own(self, tmp_path):
        path = made(tmp_path / "one")
        assert path.stat().st_mode & 0o777 == 0o600
        ours, other = parsed(path), parsed(made(tmp_path / "two"))
        assert ours.pop("MLFLOW_TRACKING_USERNAME") == other.pop("MLFLOW_TRACKING_USERNAME")
        assert ours.pop("auth_token") == ours["RAY_AUTH_TOKEN"]  # for KubeRay, by its name
        assert all(re.fullmatch("[0-9a-f]{64}", value) for value in ours.values())
        assert len({*ours.values(), *other.values()}) == 2 * len(ours)

    def test_a_second_run_changes_nothing_and_says_so(self, tmp_path):
        path = made(tmp_path / "project")
        before = path.read_bytes()
        script = tmp_path / "project" / "cluster" / "make-env.sh"
        result = subprocess.run([script], capture_output=True, text=True, check=False)
        assert result.returncode == 1
        assert f"{path} is there already and was not changed" in result.stderr
        assert path.read_bytes() == before

    def test_it_writes_all_that_the_compose_file_asks_for(self, secrets):
        assert required() <= secrets.keys()
        assert secrets.keys() - required() == {"auth_token"}
        compose(values=secrets)

    def test_without_it_nothing_starts_and_one_is_told_what_to_do(self, secrets):
        for name in required():
            with pytest.raises(UnsetError, match=f"{name}: run cluster/make-env.sh first"):
                compose(values={**secrets, name: ""})

    def test_the_manifest_asks_for_nothing_else(self, secrets):
        keys = re.findall(
            r"secretKeyRef: \{name: (\w+), key: (\w+)(, optional: true)?}", KUBERAY.read_text()
        )
        assert {name for name, _, _ in keys} == {"vaesearch"}
        assert {key for _, key, optional in keys if not optional} <= secrets.keys()
        assert all(key.startswith("AWS_") for _, key, optional in keys if optional)

    @pytest.mark.parametrize("path", [COMPOSE, MANY_MACHINES, WORKER])
    def test_no_compose_file_holds_one(self, path):
        for service in compose(path)["services"].values():
            for name, value in service.get("environment", {}).items():
                if SECRET.search(name):
                    assert value is None or value.startswith("${"), name

    def test_the_manifest_holds_none(self):
        assert items("Secret") == []
        for container in containers().values():
            for variable in container.get("env", []):
                if SECRET.search(variable["name"]):
                    assert variable["valueFrom"]["secretKeyRef"]["name"] == "vaesearch"

    @pytest.mark.parametrize("path", [COMPOSE, MANY_MACHINES, WORKER, KUBERAY, DOCKERFILE])
    def test_no_address_holds_one(self, path):
        assert re.findall(r"://[\w.+-]+:(?!\$)[^@/\s]+@", path.read_text()) == []
