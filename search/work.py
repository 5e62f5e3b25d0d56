"""What workers do for a search, as functions that travel to them: the executor knows no models."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, final

from search.assignment import Assignment, Round
from search.config import StudyConfig


class Run(Protocol):
    """One attempt at one trial, under way in a worker."""

    def next_round(self) -> Round:
        """Goes on to the next report; must not be called after one with an outcome."""
        ...


class Bench(Protocol):
    """What a worker keeps from trial to trial."""

    def start(self, assignment: Assignment, should_stop: Callable[[], bool]) -> Run:
        """Returns an attempt that goes on from the trial's newest checkpoint."""
        ...


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Shared:
    """What every worker of a search needs, besides its assignment.

    Attributes:
        config: The study file.
        search_id: The search.
        store: Where checkpoints go.
        folders: What `Work.prepare` returned.
        flag: Handle of a StopFlag.
        work: What to do.
    """

    config: StudyConfig
    search_id: str
    store: str
    folders: Any
    flag: Any
    work: "Work"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """The things that worker processes are asked to do.

    Attributes:
        prepare: (config, dataset folder, cache) -> what benches need, and what is stored with the
            search as `prepared`. Once per driver.
        open_bench: Called once in every worker.
        remeasure: (config, search id, store, folders, candidates, params) -> test figures by
            (trial, epoch) of stored weights.
        show: The same arguments; writes into the store what is to be shown of the candidates, and
            returns of how many. A stop may end it anywhere.
        publish: (config, dataset folder, cache, store) -> what `prepare_shared` needs, on the
            driver's machine; None if workers elsewhere need nothing of it.
        kept: As `prepare`, but None unless that was called before with the same arguments and
            nothing changed since. In the driver: it loads nothing.
        prepare_shared: (config, what `publish` returned, hash of the extractor the search began
            with or None) -> as `prepare`, on any machine.
    """

    prepare: Callable[[StudyConfig, str, Path], tuple[Any, dict[str, Any]]]
    open_bench: Callable[[Shared], Bench]
    remeasure: Callable[..., Mapping[tuple[int, int], Mapping[str, float]]]
    show: Callable[..., int]
    kept: Callable[..., tuple[Any, dict[str, Any]] | None] = lambda *_: None
    publish: Callable[..., Any] | None = None
    prepare_shared: Callable[..., tuple[Any, dict[str, Any]]] | None = None
