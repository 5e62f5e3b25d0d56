"""How searches share a cluster: each driver works out its part from what all of them claim."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, final


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A living node of the cluster.

    Attributes:
        id: Its identifier.
        cpus: That it has in all.
        gpus: That it has in all; a trial's fraction is of one of them.
        labels: That it was started with.
    """

    id: str
    cpus: float
    gpus: float = 0.0
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """What a driver wants of a cluster; it stands in the lease that it holds.

    Attributes:
        search: The search's identifier.
        cluster: The cluster's: drivers of other clusters compete for nothing.
        weight: How much the search gets compared with others that want as much.
        num_wanted: How many trials it could run at once.
        cpus: Of a trial.
        gpus: Of a trial.
        labels: That a node must have for a trial.
        set_aside: Nodes that get none of its trials.
    """

    search: str
    cluster: str
    weight: float
    num_wanted: int
    cpus: float = 1.0
    gpus: float = 0.0
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    set_aside: Sequence[str] = ()

    @classmethod
    def from_json(cls, search: str, values: Mapping[str, Any]) -> "Claim":
        """Returns the claim of a lease."""
        return cls(search, **values)

    def to_json(self) -> dict[str, Any]:
        """Returns the plain values that a lease holds."""
        values = dataclasses.asdict(self)
        del values["search"]
        return {**values, "set_aside": sorted(self.set_aside)}

    def num_fitting(self, node: Node) -> int:
        """Returns how many trials fit on a node that is empty."""
        return _num_fitting(self, node, node.cpus, node.gpus)


def num_slots(claim: Claim, nodes: Sequence[Node]) -> int:
    """Returns how many trials of a search a cluster could run at once if it had no other."""
    return sum(claim.num_fitting(node) for node in nodes)


def fair_share(own: Claim, others: Sequence[Claim], nodes: Sequence[Node]) -> int:
    """Returns how many trials a search may run at once: at least one, if it wants any.

    Trials are dealt one by one to whoever has the least of the cluster for its weight, counting the
    resource that it takes most of, and wants more (dominant resource fairness, Ghodsi et al. 2011).
    A trial goes to the node that the fewest others could use, so what one leaves is the others',
    and searches on different nodes do not compete. Every driver that sees the same claims and nodes
    comes to the same shares.

    Args:
        own: The search's claim.
        others: Those of all other searches with a living driver.
        nodes: Of the cluster.
    """
    claims = {c.search: c for c in [own, *others] if c.cluster == own.cluster}
    totals = sum(n.cpus for n in nodes) or 1.0, sum(n.gpus for n in nodes) or 1.0
    free = {node.id: (node.cpus, node.gpus) for node in nodes}
    users = {
        node.id: {name for name, claim in claims.items() if claim.num_fitting(node)}
        for node in nodes
    }
    given = dict.fromkeys(claims, 0)
    hungry = {name for name, claim in claims.items() if claim.num_wanted > 0}

    def place(name: str) -> tuple[bool, float, str]:
        claim = claims[name]
        dominant = max(claim.cpus / totals[0], claim.gpus / totals[1])
        # One for everybody first; of equals the first by name, so that all drivers choose the same.
        return given[name] > 0, (given[name] + 1) * dominant / claim.weight, name

    while hungry:
        name = min(hungry, key=place)
        claim = claims[name]
        fitting = [node for node in nodes if _num_fitting(claim, node, *free[node.id])]
        if not fitting:
            hungry.remove(name)
            continue
        node = min(fitting, key=lambda n: (len(users[n.id] & hungry), n.gpus > 0, n.id))
        cpus, gpus = free[node.id]
        free[node.id] = cpus - claim.cpus, gpus - claim.gpus
        given[name] += 1
        if given[name] >= claim.num_wanted:
            hungry.remove(name)
    return max(given[own.search], min(1, own.num_wanted))


def _num_fitting(claim: Claim, node: Node, cpus: float, gpus: float) -> int:
    """Returns how many trials fit into what is free of a node. Ray rounds to a ten-thousandth."""
    if node.id in claim.set_aside:
        return 0
    if any(node.labels.get(key) != value for key, value in claim.labels.items()):
        return 0
    count = (cpus + 1e-6) // claim.cpus
    if claim.gpus > 1:
        count = min(count, (gpus + 1e-6) // claim.gpus)
    elif claim.gpus:  # a fraction never reaches over two of them
        whole, part = divmod(gpus + 1e-6, 1)
        count = min(count, whole * ((1 + 1e-6) // claim.gpus) + (part + 1e-6) // claim.gpus)
    return int(count)
