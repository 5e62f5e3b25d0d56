"""Deleting weights that no front needs, from any process, also while the search runs.

Only trials that have ended are touched: they never run again. Their epochs can leave the front
later, and never come back to it, so a plan that was made a while ago still keeps enough.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from search.candidates import candidates, front_candidates, objective_values
from search.config import StudyConfig
from search.files import Files
from search.front import losses, non_dominated
from search.prune_plan import Key, Kind, Plan, plan_trial
from search.showcase import FOLDER as SHOWCASE
from search.showcase import Showcase
from search.store import TrialStore, confirmation_folder
from search.study.confirmations import read_confirmations
from search.study.reader import StudyReader
from search.trial import Trial

_TRIALS: Final = "trials"
_CONFIRMATIONS: Final = "confirmations"
_MAX_EPOCHS: Final = 10  # of one training of a confirmation; more are left alone


def plan_pruning(reader: StudyReader, store: str, num_next: int = 0) -> Plan:
    """Returns what can be deleted of a search. Deletes nothing.

    Args:
        reader: The search.
        store: Root of its store.
        num_next: Of how many trials beside the front to keep the best weights.

    Raises:
        StoreError: If the store refuses.
    """
    # Twice: a trial that had ended at the first look has all its measurements at the second.
    finished = {trial.number for trial in reader.trials() if trial.state.is_finished}
    trials = reader.trials()
    config = reader.record().config
    front = set(front_candidates(config, trials))
    following = set(next_best(config, trials, num_next))
    plan = Plan()
    files = Files(store, reader.id)
    known = {f"{trial.number:05d}": trial for trial in trials}
    trial_store = TrialStore(store, reader.id)
    for name in _known_folders(files, _TRIALS, known, plan):
        number = known[name].number
        if number in finished:
            plan_trial(plan, trial_store, number, (front, following))
        else:
            plan.count(Kind.UNTOUCHED, files.walk(f"{_TRIALS}/{name}"))
    _plan_confirmations(plan, reader, store, known, front)
    _plan_showcase(plan, Showcase(store, reader.id), front)
    strange = [n for n in files.folders() if n not in (_TRIALS, _CONFIRMATIONS, SHOWCASE)]
    plan.unknown += [files.at(name) for name in [*strange, *(f.path for f in files.files())]]
    return plan


def next_best(config: StudyConfig, trials: Sequence[Trial], count: int) -> list[Key]:
    """Returns (trial, epoch) of the best weights of so many trials that are not on the front.

    By layers: the front of what is left without the front, and so on; in a layer by the first
    objective.
    """
    found = candidates(config, trials)
    values = losses(objective_values(config, found), config.directions)
    directions = ["minimize"] * values.shape[1]
    wanted = {trial.number for trial in trials if trial.state.is_finished}
    wanted -= {trial for trial, _ in front_candidates(config, trials)}
    left, chosen = list(range(len(found))), dict[int, int]()
    while left and len(chosen) < count:
        in_layer = non_dominated(values[left], directions)
        layer = [index for index, is_in in zip(left, in_layer, strict=True) if is_in]
        left = [index for index, is_in in zip(left, in_layer, strict=True) if not is_in]
        for index in sorted(layer, key=lambda index: float(values[index, 0])):
            if found[index].trial in wanted:
                chosen.setdefault(found[index].trial, found[index].epoch)
    return list(chosen.items())[:count]


def _known_folders(
    files: Files, path: str, known: Mapping[str, Trial], plan: Plan
) -> Iterator[str]:
    """Yields the folders of trials that the study knows; names the others."""
    plan.unknown += [files.at(file.path) for file in files.files(path)]
    for name in files.folders(path):
        if name in known:
            plan.unknown += [files.at(f.path) for f in files.files(f"{path}/{name}")]
            attempts = files.folders(f"{path}/{name}")
            plan.unknown += [files.at(f"{path}/{name}/{n}") for n in attempts if not n.isdigit()]
            yield name
        else:
            plan.unknown.append(files.at(f"{path}/{name}"))


def _plan_confirmations(
    plan: Plan, reader: StudyReader, store: str, known: Mapping[str, Trial], front: set[Key]
) -> None:
    """Adds the trainings of a confirmation that have ended: all that they were for is recorded."""
    recorded: dict[tuple[int, int], set[int]] = {}
    for row in read_confirmations(reader):
        recorded.setdefault((row.trial, row.repeat), set()).add(row.epoch)
    on_front = {trial for trial, _ in front}
    files = Files(store, reader.id)
    for path in [f"{_CONFIRMATIONS}/{n}" for n in files.folders(_CONFIRMATIONS) if n.isdigit()]:
        repeat = int(path.rpartition("/")[2])
        for name in files.folders(path):
            folder = f"{path}/{name}"
            trial_store = TrialStore(store, f"{reader.id}/{folder}")
            for trial in _known_folders(files, f"{folder}/{_TRIALS}", known, plan):
                number = int(trial)
                epochs = recorded.get((number, repeat), set())
                if _is_for(f"{reader.id}/{folder}", reader.id, repeat, epochs):
                    kept = {(number, epoch) for epoch in epochs if number in on_front}
                    plan_trial(plan, trial_store, number, (kept, set()), folder)
                else:
                    plan.count(Kind.UNTOUCHED, files.walk(f"{folder}/{_TRIALS}/{trial}"))


def _plan_showcase(plan: Plan, showcase: Showcase, front: set[Key]) -> None:
    for key, files in showcase.files().items():
        plan.count(Kind.SHOWN if key in front else Kind.FORMER, files)
        if key not in front:
            plan.former += [(showcase, file) for file in files]


def _is_for(folder: str, search_id: str, repeat: int, recorded: set[int]) -> bool:
    """Returns whether a folder's trainings were to be measured after recorded epochs alone."""
    epochs = sorted(recorded)[:_MAX_EPOCHS]
    lists = itertools.chain.from_iterable(
        itertools.combinations(epochs, size + 1) for size in range(len(epochs))
    )
    return any(folder == confirmation_folder(search_id, repeat, list(each)) for each in lists)
