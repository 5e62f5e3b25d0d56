"""How busy one machine was at one moment."""

import dataclasses
from collections.abc import Mapping
from typing import final


@final
@dataclasses.dataclass(frozen=True, slots=True)
class NodeSample:
    """The load of one of Ray's nodes.

    Attributes:
        node: Its name; fit to be a part of a metric's name.
        unix_time: When it was read there, in seconds since 1970.
        values: By the names that MLflow has for them, units included.
    """

    node: str
    unix_time: float
    values: Mapping[str, float]
