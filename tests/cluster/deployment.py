"""The files that put the service on machines, read as the tools that they are for read them."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "cluster"
COMPOSE = ROOT / "docker-compose.yml"
MANY_MACHINES = CLUSTER / "many-machines.yml"
WORKER = CLUSTER / "worker.yml"
KUBERAY = CLUSTER / "kuberay.yaml"
DOCKERFILE = CLUSTER / "Dockerfile"

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")


class _Loader(yaml.SafeLoader):
    """Knows Compose's `!reset`, which takes a key of the file below away."""


_Loader.add_constructor("!reset", lambda loader, node: None)


class UnsetError(Exception):
    """A variable that has no default is not set; the message is the file's own."""


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """Returns a compose file's text with its variables replaced, as Compose does it."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if name is None:
            return "$"
        if given := values.get(name):
            return given
        if kind == "?":
            raise UnsetError(f"{name}: {rest}")
        return rest or ""

    return _VARIABLE.sub(value, text)


def compose(path: Path = COMPOSE, values: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Returns a compose file; with values for its variables, or as it is written."""
    text = path.read_text()
    text = text if values is None else interpolated(text, values)
    return yaml.load(text, _Loader)


def required(path: Path = COMPOSE) -> set[str]:
    """Returns the variables without which a compose file is refused."""
    return {name for name, kind, _ in _VARIABLE.findall(path.read_text()) if kind == "?"}


def items(kind: str | None = None) -> list[dict[str, Any]]:
    """Returns what the Kubernetes manifest describes, all or those of a kind."""
    found = yaml.safe_load(KUBERAY.read_text())["items"]
    return [item for item in found if kind in (None, item["kind"])]


def ray_groups() -> dict[str, dict[str, Any]]:
    """Returns the head and the groups of workers of the manifest's Ray cluster."""
    (cluster,) = items("RayCluster")
    spec = cluster["spec"]
    groups = {group["groupName"]: group for group in spec["workerGroupSpecs"]}
    return {"head": spec["headGroupSpec"], **groups}


def pods() -> dict[str, dict[str, Any]]:
    """Returns the pod templates of the manifest by name."""
    found = {f"ray-{name}": group["template"] for name, group in ray_groups().items()}
    for item in items():
        if item["kind"] in ("Deployment", "StatefulSet"):
            found[item["metadata"]["name"]] = item["spec"]["template"]
    return found


def containers() -> dict[str, dict[str, Any]]:
    """Returns every container of the manifest by pod and name, those that only begin included."""
    return {
        f"{pod}/{container['name']}": container
        for pod, template in pods().items()
        for key in ("initContainers", "containers")
        for container in template["spec"].get(key, [])
    }


def names_of(container: Mapping[str, Any]) -> set[str]:
    """Returns the environment variables of a container."""
    return {variable["name"] for variable in container.get("env", [])}


def install_step() -> str:
    """Returns the command by which the image is given its packages."""
    lines = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()
    (step,) = [line.removeprefix("RUN ") for line in lines if line.startswith("RUN pip install")]
    return " ".join(step.split())


def _tool(name: str) -> str:
    """Returns the path of a program that a package of the extra `test` brings."""
    path = Path(sys.executable).with_name(name)
    assert path.exists(), f"{name} is missing: pip install '.[test]'"
    return str(path)


def checked(program: str, *arguments: str | Path) -> None:
    """Runs a checker; that it objects is a failure."""
    command = [_tool(program), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
