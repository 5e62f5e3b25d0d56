"""The history of a search, as lines for a terminal."""

import datetime
from collections.abc import Iterator, Sequence
from typing import Any, Final

from search.config import StudyConfig
from search.study.reader import Event

_MOST: Final = 20  # a history of so many events is shown whole
_LAST: Final = 6  # of a longer one, so many of those that say less
# What a search is: whoever reads its figures has to know.
_CHANGES: Final = ("forked", "changed", "space grown", "code change accepted", "node set aside")


def history_lines(config: StudyConfig, events: Sequence[Event]) -> Iterator[str]:
    """Yields a line per event, oldest first; of a long history its changes and its end.

    Args:
        config: The study file as it is now.
        events: Of the search; early stops are left out, they stand beside their trials.
    """
    told = [event for event in events if event.kind != "trial stopped early"]
    others = [event for event in told if event.kind not in _CHANGES]
    left_out = others[:-_LAST] if len(told) > _MOST else []
    for event in told:
        if not any(event is other for other in left_out):
            yield f"{_when(event.unix_time)}  {event.kind}  {_details(config, event)}".rstrip()
    if left_out:
        yield f"... {len(left_out)} earlier events are left out; --json shows all."


def _details(config: StudyConfig, event: Event) -> str:
    if event.kind == "space grown":
        return ", ".join(_grown(config, key, value) for key, value in event.details.items())
    return ", ".join(f"{key} {value}" for key, value in event.details.items())


def _grown(config: StudyConfig, name: str, value: Any) -> str:
    """Returns how a parameter grew, or what else changed at the same time."""
    parameter = config.space.get(name)
    if parameter is None or not isinstance(value, list):
        return f"{name} {value}"
    if parameter.type == "categorical":
        return f"{name} also {' or '.join(map(str, value))}"
    ends = zip(("down to", "up to"), value, strict=False)
    return f"{name} " + " and ".join(f"{word} {end}" for word, end in ends if end is not None)


def _when(unix_time: float) -> str:
    return datetime.datetime.fromtimestamp(unix_time).strftime("%Y-%m-%d %H:%M")
