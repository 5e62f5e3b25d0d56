"""On which nodes attempts run: those with the labels that a study asks for, and none on which one
trial after another fails at once."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Final, final

from ray import tune

from search.sections import ResourcesSection

_QUICK_SECONDS: Final = 60.0
_MOST_FAILURES: Final = 3  # in a row, that is
_NODE_ID: Final = "ray.io/node-id"


@final
@dataclasses.dataclass(slots=True)
class _Record:
    """What is known of a node: its failures since its last success, and why the last one."""

    since: int
    num_failures: int = 0
    reason: str = ""

    @property
    def is_bad(self) -> bool:
        return self.num_failures >= _MOST_FAILURES


@final
class Placement:
    """Decides where attempts may run.

    A node is set aside when attempts failed there quickly three times in a row, while another node
    had one that did not: where every node fails, the study is at fault. Until that is known, the
    others are tried first: a node that fails within milliseconds would use up a search before a
    trial has come to something elsewhere. A loss that diverges is no failure of this kind.

    Args:
        resources: Of one trial.
        on_set_aside: Called with a node's identifier and the reason of its last failure.
        has_room_beside: Returns whether the search may use other nodes than some.
    """

    def __init__(
        self,
        resources: ResourcesSection,
        on_set_aside: Callable[[str, str], None] = lambda *_: None,
        has_room_beside: Callable[[set[str]], bool] = lambda _: False,
    ):
        self._resources = resources
        self._on_set_aside = on_set_aside
        self._has_room_beside = has_room_beside
        self._records: dict[str, _Record] = {}
        self._good: dict[str, int] = {}  # node -> when an attempt last came to something there
        self._now = 0  # counts what was noted
        self.set_aside: set[str] = set()

    def request(self, is_alone: bool = False) -> Any:
        """Returns what an attempt asks of Ray.

        Args:
            is_alone: Whether it gets its GPU for itself, because it ran out of memory before.
        """
        gpus = self._resources.gpus
        bundle = {"CPU": self._resources.cpus, "GPU": math.ceil(gpus) if is_alone else gpus}
        labels = dict(self._resources.labels)
        if avoided := self._avoided():
            labels[_NODE_ID] = f"!in({','.join(sorted(avoided))})"
        more: dict[str, Any] = {"bundle_label_selector": [labels]} if labels else {}
        return tune.PlacementGroupFactory([bundle], **more)

    def went_well(self, node: str) -> None:
        """Notes that an attempt on a node came to something."""
        self._now += 1
        self._records.pop(node, None)
        self._good[node] = self._now
        self._judge()

    def failed(self, node: str, seconds: float, reason: str) -> None:
        """Notes that an attempt raised an error or its process died.

        Args:
            node: Where.
            seconds: So long after its start.
            reason: Why, as far as that is known.
        """
        if seconds > _QUICK_SECONDS:
            return
        self._now += 1
        record = self._records.setdefault(node, _Record(self._now))
        record.num_failures += 1
        record.reason = reason
        self._judge()

    def _avoided(self) -> set[str]:
        """Returns the nodes set aside, and those that may be, unless no other is left."""
        suspects = {node for node, record in self._records.items() if record.is_bad}
        avoided = self.set_aside | suspects
        return avoided if suspects and self._has_room_beside(avoided) else self.set_aside

    def _judge(self) -> None:
        for node, record in list(self._records.items()):
            others = [when for other, when in self._good.items() if other not in self.set_aside]
            is_worse = any(when > record.since for when in others)
            if record.is_bad and is_worse:
                self.set_aside.add(node)
                del self._records[node]
                self._on_set_aside(node, record.reason)
