"""Noticing that every node of Ray is gone: Tune itself would wait for one for ever."""

import time
from typing import Final, final

import ray

_LOOK_SECONDS: Final = 2.0
_GRACE_SECONDS: Final = 10.0  # a node that has just died may be on its way back


@final
class NodeWatch:
    """Looks at Ray's nodes every few seconds, however often it is asked."""

    def __init__(self) -> None:
        self._next_look = 0.0
        self._gone_since: float | None = None

    def are_all_gone(self) -> bool:
        """Returns whether there has been no living node for a while."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            if any(node["Alive"] for node in ray.nodes()):
                self._gone_since = None
            elif self._gone_since is None:
                self._gone_since = now
        return self._gone_since is not None and now - self._gone_since > _GRACE_SECONDS
