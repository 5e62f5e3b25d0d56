"""Proving, before a search begins on a cluster, that every node can do what trials need: read and
write the store, with the same code as the driver."""

import contextlib
import dataclasses
import platform
import secrets
from collections.abc import Mapping
from typing import Any, Final, final

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.errors import SearchError, StoreError, WorkersError
from search.executor.node_stats import node_names
from search.files import Files
from search.models.images import code_hash
from search.s3 import is_s3

_SECONDS: Final = 60.0
_DRIVERS: Final = "driver"
_SHOWN_NODES: Final = 5
_STORE: Final = "store"
_CODE: Final = "code"
_ANSWER: Final = "answer"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class _Problem:
    """What is wrong with a node.

    Attributes:
        kind: What to do about it depends on this.
        text: In a few words.
    """

    kind: str
    text: str


def prove_nodes(store: str, seconds: float = _SECONDS) -> None:
    """Has every living node of Ray read a file of the store and write another one, all at once.

    A node that dies meanwhile is no reason to refuse anything.

    Args:
        store: Root of the search's store.
        seconds: How long the nodes have for it.

    Raises:
        StoreError: If this machine cannot use the store itself.
        WorkersError: If a node cannot, does not answer, or has other code than this process. The
            message names the nodes and says what to do.
    """
    token = secrets.token_hex(8)
    files = Files(store, f"proof-{token}")
    try:
        files.make_folder("")
        files.write(_DRIVERS, token.encode())
        nodes = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
        problems = _problems(nodes, store, token, seconds)
    finally:
        with contextlib.suppress(StoreError):
            files.delete_folder()
    alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
    problems = {node_id: found for node_id, found in problems.items() if node_id in alive}
    if problems:
        raise WorkersError(_refusal(nodes, problems, store))


def _problems(
    nodes: Mapping[str, Any], store: str, token: str, seconds: float
) -> dict[str, _Problem]:
    """Returns what is wrong, by the id of the node."""
    proof = ray.remote(_prove)
    asked = {}
    for node_id in nodes:
        there = NodeAffinitySchedulingStrategy(node_id, soft=False)
        task = proof.options(num_cpus=0, max_retries=0, scheduling_strategy=there)
        asked[task.remote(store, token, node_id)] = node_id
    done, late = ray.wait(list(asked), num_returns=len(asked), timeout=seconds)
    problems = {}
    for reference in late:
        ray.cancel(reference, force=True)
        problems[asked[reference]] = _Problem(_ANSWER, f"has not answered in {seconds:g} seconds")
    for reference in done:
        found = _problem(reference) or _unseen(store, token, asked[reference])
        if found is not None:
            problems[asked[reference]] = found
    return problems


def _problem(reference: Any) -> _Problem | None:
    """Returns what is wrong as a node tells it."""
    try:
        answer = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause if isinstance(error.cause, Exception) else error
        if isinstance(cause, SearchError):
            return _Problem(_STORE, _line(cause))
        # Whatever it is: this very function runs where the code is the same.
        return _Problem(_CODE, f"cannot run this version of vaesearch ({_line(cause)})")
    except ray.exceptions.RayError as error:
        return _Problem(_ANSWER, f"cannot run a process ({_line(error)})")
    own = _versions()
    other = [
        f"{name} {answer.get(name)}, not {version}"
        for name, version in own.items()
        if answer.get(name) != version
    ]
    return _Problem(_CODE, f"has {' and '.join(other)}") if other else None


def _unseen(store: str, token: str, node_id: str) -> _Problem | None:
    """Returns a problem if this process does not see what a node has written."""
    if Files(store, f"proof-{token}").read(node_id) == token.encode():
        return None
    return _Problem(_STORE, "writes files there that are not seen here")


def _prove(store: str, token: str, node_id: str) -> dict[str, str]:
    """Runs on the node: returns its versions.

    Raises:
        StoreError: If it cannot read what the driver wrote, or not write.
    """
    files = Files(store, f"proof-{token}")
    # First, for a folder of the same name on another disk would take any file.
    if files.read(_DRIVERS) != token.encode():
        raise StoreError("does not see there what the driver has written")
    files.write(node_id, token.encode())
    return _versions()


def _versions() -> dict[str, str]:
    """Returns what has to be the same on every node."""
    short = {"Python": platform.python_version(), "Ray": str(ray.__version__)}
    minor = {name: ".".join(version.split(".")[:2]) for name, version in short.items()}
    return {**minor, "vaesearch code": code_hash()}


def _refusal(nodes: Mapping[str, Any], problems: Mapping[str, _Problem], store: str) -> str:
    """Returns which nodes cannot be used, why, and what to do."""
    names = node_names(nodes.values())
    shown = [
        f"{names[node_id]} ({nodes[node_id]['NodeManagerAddress']}) {problem.text}"
        for node_id, problem in sorted(problems.items(), key=lambda item: names[item[0]])
    ]
    if (more := len(shown) - _SHOWN_NODES) > 0:
        shown = [*shown[:_SHOWN_NODES], f"and {more} more"]
    kinds = {problem.kind for problem in problems.values()}
    remedies = [text for kind, text in _remedies(store).items() if kind in kinds]
    return (
        f"{len(problems)} of {len(nodes)} nodes cannot run trials with the store {store}: "
        f"{'; '.join(shown)}. {' '.join(remedies)}"
    )


def _remedies(store: str) -> dict[str, str]:
    s3 = (
        "Set AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY on every node before "
        "Ray is started there."
    )
    folder = (
        f"Mount the same folder at {store} on every node, writable for the user of Ray, or use a "
        "store at s3://bucket/path."
    )
    return {
        _STORE: s3 if is_s3(store) else folder,
        _CODE: "Install the driver's version of vaesearch on every node.",
        _ANSWER: "Look at these nodes with `ray status`, or take them out of the cluster.",
    }


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rstrip(".")[:300]
