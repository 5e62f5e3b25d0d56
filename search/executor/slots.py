"""How many trials a search may run at once: all that fit, or its share of a cluster."""

import contextlib
import logging
import threading
from collections.abc import Collection, Iterator, Sequence
from typing import Final, final

import ray
import sqlalchemy as sa

from search.errors import LeaseLostError
from search.executor.autoscaler import Wish, can_grow
from search.sections import ResourcesSection
from search.shares import Claim, Node, fair_share, num_slots
from search.study.lease import Lease

_log = logging.getLogger(__name__)

_PERIOD_SECONDS: Final = 2.0
_WITHOUT_LIMIT: Final = 10_000  # trials at once that a search may want which names no number
# For so many trials more, nodes are asked for where the cluster can grow: a few at a time.
_AHEAD: Final = 4


@final
class Slots:
    """How many trials may run at once, now.

    Args:
        resources: Of one trial, and the wanted number of workers.
        is_shared: Whether other searches may use the cluster, or it may grow.

    Attributes:
        num_wanted: How many trials could run at once if there was room for all, when that was last
            looked at.
        set_aside: Identifiers of nodes that get no more trials.
    """

    def __init__(self, resources: ResourcesSection, is_shared: bool = False):
        self._resources = resources
        self.is_shared = is_shared
        self.num_wanted = self.limit
        self.set_aside: frozenset[str] = frozenset()
        self._share = min(num_slots(self._claim(""), living_nodes()), self.limit)
        self._wish = Wish(resources)
        self._is_wanted_known = False  # until then nobody should rent a machine

    @property
    def limit(self) -> int:
        """How many trials may ever run at once."""
        return self._resources.workers or _WITHOUT_LIMIT

    def __call__(self) -> int:
        """Returns how many trials may run at once."""
        return self._share

    def note_wanted(self, num: int) -> None:
        """Notes how many trials could run at once; asked again and again in Tune's own thread."""
        self.num_wanted, self._is_wanted_known = num, True

    def has_room_beside(self, nodes: Collection[str]) -> bool:
        """Returns whether the share is more than fits on some nodes, so that one that avoids them
        waits for no other search."""
        beside = _room(self._resources, nodes)
        return beside > 0 and self._share > _room(self._resources, self.set_aside) - beside

    def look(self, lease: Lease) -> None:
        """Tells the other drivers what this one wants, and takes its share."""
        own = self._claim(lease.search_id)
        others = lease.exchange_claims(own.to_json())
        found = [Claim.from_json(*item) for item in others.items()]
        self._share = fair_share(own, found, living_nodes())
        num_lacking = max(own.num_wanted - self._share, 0) if self._is_wanted_known else 0
        self._wish.hold(min(num_lacking, _AHEAD) if num_lacking and can_grow() else 0)

    def _claim(self, search: str) -> Claim:
        wanted = min(self.num_wanted, self.limit)
        return claim_of(self._resources, search, wanted, sorted(self.set_aside))


@contextlib.contextmanager
def sharing(lease: Lease, resources: ResourcesSection, is_shared: bool) -> Iterator[Slots]:
    """Yields the slots of a search; on a cluster that others use as well, its share of them."""
    slots = Slots(resources, is_shared)
    if not is_shared:
        yield slots
        return
    ended = threading.Event()

    def watch() -> None:
        is_well = True
        while not ended.wait(_PERIOD_SECONDS):
            try:
                slots.look(lease)
                is_well = True
            except LeaseLostError:
                return
            except Exception as error:  # noqa: BLE001 - the share stays; without this thread, for ever
                if is_well:  # once for an outage
                    _log.warning("the share of the cluster stays what it was: %s", error)
                is_well = False

    with contextlib.suppress(sa.exc.SQLAlchemyError):  # an outage: the next look has it
        slots.look(lease)
    thread = threading.Thread(target=watch, daemon=True, name="slots")
    thread.start()
    try:
        yield slots
    finally:
        ended.set()
        thread.join()


def claim_of(
    resources: ResourcesSection, search: str, num_wanted: int, set_aside: Sequence[str] = ()
) -> Claim:
    """Returns the claim of a search on the cluster that this process has joined."""
    return Claim(
        search=search,
        cluster=str(ray.get_runtime_context().gcs_address),
        weight=resources.weight,
        num_wanted=num_wanted,
        cpus=resources.cpus,
        gpus=resources.gpus,
        labels=resources.labels,
        set_aside=set_aside,
    )


def living_nodes() -> list[Node]:
    """Returns the nodes of the cluster that live, with what they have in all."""
    return [
        Node(
            node["NodeID"],
            node["Resources"].get("CPU", 0.0),
            node["Resources"].get("GPU", 0.0),
            node.get("Labels", {}),
        )
        for node in ray.nodes()
        if node["Alive"]
    ]


def fits(resources: ResourcesSection) -> bool:
    """Returns whether a trial fits on a living node."""
    return _room(resources, ()) > 0


def _room(resources: ResourcesSection, without: Collection[str]) -> int:
    """Returns how many trials fit on living nodes that are none of some."""
    return num_slots(claim_of(resources, "", 1, sorted(without)), living_nodes())
