"""What a pruning deletes of each trial, and in which order.

Of a trial that has ended, a smaller manifest is written first, and what it does not name is deleted
after that: whenever this ends, the weights of the front are readable.
"""

import dataclasses
import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, final

from search.files import File
from search.showcase import Showcase
from search.store import LOG, Checkpoint, TrialStore, is_manifest
from search.strips import strip_epoch

Key: TypeAlias = tuple[int, int]  # (trial, epoch)

_BESIDE: Final = ("config.json", "samples.png", "reconstructions.png")


class Kind(enum.StrEnum):
    """What a file is, as people are shown it. The first five are deleted."""

    WEIGHTS = "weights that no front needs"
    STATES = "training states"
    ATTEMPTS = "earlier attempts"
    MANIFESTS = "old manifests"
    FORMER = "what is shown of former members of the front"
    FRONT = "weights of the front"
    SHOWN = "what is shown of the front"
    NEXT = "weights of the next best"
    BESIDE = "configs, pictures and manifests"
    LOGS = "logs"
    UNTOUCHED = "trials that run, wait or cannot be read"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class TrialPlan:
    """What to do with one trial that has ended.

    Attributes:
        store: Where it is.
        checkpoint: Its newest.
        kept: Names of the objects that stay.
        notes: Of the smaller manifest; None where there is one already.
        doomed: What is to be deleted, in this order.
    """

    store: TrialStore
    checkpoint: Checkpoint
    kept: frozenset[str]
    notes: Mapping[str, Any] | None
    doomed: Sequence[File]

    def carry_out(self) -> None:
        """Writes the smaller manifest, then deletes.

        Raises:
            StoreError: If the store refuses; another call or another plan goes on.
        """
        if self.notes is not None:
            self.store.replace(self.checkpoint, self.kept, self.notes)
        for file in self.doomed:
            self.store.delete(file)


@final
@dataclasses.dataclass(slots=True)
class Plan:
    """What a pruning deletes, and what it leaves.

    Attributes:
        trials: Those with something to do.
        former: What to delete that was made of former members of the front, in this order.
        num_files: Kind -> how many files.
        num_bytes: Kind -> how large they are together.
        unknown: Paths of what belongs to nothing that the study knows; left alone.
        unclear: Why a trial that has ended is left alone all the same, by trial; `2 of FOLDER` is
            trial 2 of a confirmation.
    """

    trials: list[TrialPlan] = dataclasses.field(default_factory=list)
    former: list[tuple[Showcase, File]] = dataclasses.field(default_factory=list)
    num_files: Counter[Kind] = dataclasses.field(default_factory=Counter)
    num_bytes: Counter[Kind] = dataclasses.field(default_factory=Counter)
    unknown: list[str] = dataclasses.field(default_factory=list)
    unclear: dict[str, str] = dataclasses.field(default_factory=dict)

    def count(self, kind: Kind, files: Sequence[File]) -> None:
        """Adds files to the sums of a kind."""
        if files:
            self.num_files[kind] += len(files)
            self.num_bytes[kind] += sum(file.num_bytes for file in files)

    @property
    def num_doomed(self) -> int:
        """How many files are deleted."""
        return sum(self.num_files[kind] for kind in DELETED)

    @property
    def doomed_bytes(self) -> int:
        """How much is freed."""
        return sum(self.num_bytes[kind] for kind in DELETED)

    def carry_out(self) -> None:
        """Does it, trial by trial; errors as `TrialPlan.carry_out`."""
        for trial in self.trials:
            trial.carry_out()
        for showcase, file in self.former:
            showcase.delete(file)


DELETED: Final = (Kind.WEIGHTS, Kind.STATES, Kind.ATTEMPTS, Kind.MANIFESTS, Kind.FORMER)


def plan_trial(
    plan: Plan,
    store: TrialStore,
    number: int,
    kept: tuple[set[Key], set[Key]],
    folder: str = "",
) -> None:
    """Adds a trial that has ended to a plan.

    Args:
        plan: To add to.
        store: Of the trial.
        number: The trial's.
        kept: Whose weights stay: the front's, and others.
        folder: Of a confirmation, whose measurements are what it was for: it keeps of the front
            what its newest checkpoint names. Empty for the search's own trials.
    """
    files = {attempt: store.files(number, attempt) for attempt in store.attempts(number)}
    everything = [file for found in files.values() for file in found]
    named = store.newest_manifest(number)
    reason = _why_not(named, number, set() if folder else kept[0], everything)
    if reason is not None:
        plan.count(Kind.LOGS, [file for file in everything if file.name == LOG])
        rest = [file for file in everything if file.name != LOG]
        plan.count(Kind.UNTOUCHED, rest)
        label = f"{number} of {folder}" if folder else str(number)
        plan.unclear.update({label: reason} if rest else {})
    elif named is not None:
        manifest, checkpoint = named
        names: dict[Kind, set[str | None]] = {
            kind: {_weights(checkpoint, epoch) for trial, epoch in keys if trial == number}
            for kind, keys in zip((Kind.FRONT, Kind.NEXT), kept, strict=True)
        }
        beside = {name for name in checkpoint.objects if not _is_training_file(name)}
        stays = {name for group in names.values() for name in group} | beside
        objects = frozenset(name for name in checkpoint.objects if name in stays)
        notes = None if len(objects) == len(checkpoint.objects) else _notes(checkpoint, objects)
        names[Kind.BESIDE] = {*beside, manifest} if notes is None else {*beside}
        doomed = _sorted(plan, store, checkpoint.attempt, names, files)
        if notes is not None or doomed:
            plan.trials.append(TrialPlan(store, checkpoint, objects, notes, doomed))


def _sorted(
    plan: Plan,
    store: TrialStore,
    newest: int,
    stays: Mapping[Kind, set[str | None]],
    files: Mapping[int, Sequence[File]],
) -> list[File]:
    """Counts the files of a trial by what becomes of them; returns what is to be deleted."""
    kinds: dict[Kind, list[File]] = {kind: [] for kind in Kind}
    for attempt, found in files.items():
        for file in found:
            kind = _kind(file, attempt == newest, stays)
            if kind is None:
                plan.unknown.append(store.at(file))
            else:
                kinds[kind].append(file)
    for kind, group in kinds.items():
        plan.count(kind, group)
    # Whoever reads now and finds objects missing looks again, and must not find an older attempt.
    order = (Kind.ATTEMPTS, Kind.MANIFESTS, Kind.WEIGHTS, Kind.STATES)
    return [file for kind in order for file in kinds[kind]]


def _kind(file: File, is_newest: bool, stays: Mapping[Kind, set[str | None]]) -> Kind | None:
    """Returns what a file of an attempt is, None if nothing that this program writes."""
    if file.name == LOG:
        return Kind.LOGS
    is_picture = file.name in _BESIDE or strip_epoch(file.name) is not None
    is_ours = is_manifest(file.name) or _is_training_file(file.name) or is_picture
    if not is_newest:
        return Kind.ATTEMPTS if is_ours else None
    for kind, names in stays.items():
        if file.name in names:
            return kind
    if is_manifest(file.name):
        return Kind.MANIFESTS
    if file.name.startswith("state-"):
        return Kind.STATES
    return Kind.WEIGHTS if is_ours else None


def _why_not(
    named: tuple[str, Checkpoint] | None,
    number: int,
    front: set[Key],
    files: Sequence[File],
) -> str | None:
    """Returns why a trial is left alone: some of what it needs is not where it should be."""
    if named is None:
        return "it has no whole checkpoint"
    for epoch in sorted(epoch for trial, epoch in front if trial == number):
        is_there = any(file.name == f"weights-{epoch:06d}.npz" for file in files)
        if _weights(named[1], epoch) is None and is_there:
            return f"its newest whole checkpoint lacks the weights of {number}@{epoch}"
    return None


def _notes(checkpoint: Checkpoint, kept: frozenset[str]) -> dict[str, Any]:
    """Returns a checkpoint's notes without what is to be deleted.

    Nobody resumes from them, and the study holds the measurements, which can be larger than the
    weights.
    """
    weights = {e: name for e, name in checkpoint.notes["weights"].items() if name in kept}
    return {**checkpoint.notes, "state": None, "weights": weights, "measurements": []}


def _weights(checkpoint: Checkpoint, epoch: int) -> str | None:
    name = checkpoint.notes["weights"].get(str(epoch))
    return None if name is None else str(name)


def _is_training_file(name: str) -> bool:
    return name.startswith(("state-", "weights-"))
