"""Optuna: it proposes, and is told every trial's end. It holds no truth, and nothing that lasts.

Its study is in memory, made of what our tables hold whenever a driver starts: so there is nothing
that could disagree with our tables after a crash. A trial of ours has the number of its Optuna
trial, after those that the search knew from another one.
"""

import itertools
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, final

import optuna
from optuna.storages import InMemoryStorage

from search.grid import shuffled_grid
from search.samplers import choose_sampler, make_sampler
from search.seeds import Purpose, derive_seed
from search.space import Scalar, flat_items, suggest_params
from search.study.knowledge import Knowledge
from search.study.reader import SearchRecord
from search.study.spaces import OPTUNA_STATES, frozen
from search.trial import Params, ParamValue, TrialState


@final
class Proposals:
    """The Optuna study of one search. One thread may ask while another one tells.

    Args:
        record: The search.
        knowledge: What its sampler has to know, from `read_knowledge`.

    Attributes:
        num_asked: How often it was asked.
        seconds: How long that took in all.
    """

    def __init__(self, record: SearchRecord, knowledge: Knowledge):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # A range that is no multiple of its step ends at the last step inside: as we document it.
        warnings.filterwarnings("ignore", message="The distribution is specified by")
        self._config = record.config
        self._num_known = len(knowledge.known)
        self._name = choose_sampler(record.config, record.num_known)
        # Of the quasi-random sequence, which would begin anew with every generation of the space.
        self._sequence_seed = record.config.seed
        if record.num_known or record.generation:
            first = derive_seed(record.config.seed, Purpose.PROPOSING, record.num_known)
            self._sequence_seed = derive_seed(first, Purpose.PROPOSING, record.generation)
        self._storage = InMemoryStorage()
        self._study = optuna.create_study(
            storage=self._storage, directions=record.config.directions
        )
        self._fill(knowledge)
        # Of its own, because the sampler of the other one is changed by whoever asks.
        self._telling = optuna.load_study(
            study_name=self._study.study_name,
            storage=self._storage,
            sampler=optuna.samplers.RandomSampler(),
        )
        self._study_notes: dict[int, dict[str, Any]] = {}  # that came with the trial of a number
        self.num_asked, self.seconds = 0, 0.0
        self._queue = self._untried()
        self._num_points = self._num_own + len(self._queue)

    @property
    def sampler_name(self) -> str:
        """The sampler in use."""
        return self._name

    @property
    def limit(self) -> int | None:
        """How many trials there can be until every point was tried, None if no end is near."""
        return self._num_points if self._name == "grid" else None

    def ask(self, number: int, point: Mapping[str, ParamValue] | None = None) -> Params:
        """Returns the params of a new trial; asking again for the same number gives the same.

        Args:
            number: The number the trial will have: one more than the last.
            point: Params to try, in place of the next one of the study file's own list; what it
                leaves open, the sampler fills in.
        """
        start = time.perf_counter()
        try:
            return self._asked(number, point)
        finally:
            self.seconds += time.perf_counter() - start
            self.num_asked += 1

    def notes(self, number: int) -> dict[str, Any]:
        """Returns what has to be kept of a proposal, for `read_knowledge`."""
        notes = self._storage.get_trial_system_attrs(self._trial_id(number))
        return {"notes": dict(notes), "study": self._study_notes.get(number, {})}

    def tell(self, number: int, state: TrialState, values: list[float] | None) -> None:
        """Tells how a trial ended; telling again what is known already changes nothing.

        Args:
            number: The trial.
            state: Complete, pruned or failed.
            values: The objectives at the full budget, for a complete trial.
        """
        told = values if state is TrialState.COMPLETE else None
        self._telling.tell(
            number + self._num_known, told, state=OPTUNA_STATES[state], skip_if_finished=True
        )

    def _fill(self, knowledge: Knowledge) -> None:
        for key, value in knowledge.notes.items():
            self._storage.set_study_system_attr(self._study._study_id, key, value)
        trials = [frozen(self._config, trial) for trial in (*knowledge.known, *knowledge.own)]
        self._study.add_trials(trials)

    def _asked(self, number: int, point: Mapping[str, ParamValue] | None) -> Params:
        if number < self._num_own:  # asked for before, and not recorded for some reason
            return self._suggest(number, lambda: self._again(number))
        if point is not None:
            self._study.enqueue_trial(self._flat(point))
        elif self._queue:
            self._study.enqueue_trial(self._queue[0])
        return self._suggest(number, self._study.ask)

    @property
    def _num_own(self) -> int:
        """How many trials the search has had proposed, which stand behind those it knew."""
        return len(self._study.get_trials(deepcopy=False)) - self._num_known

    def _suggest(self, number: int, make_trial: Callable[[], optuna.Trial]) -> Params:
        index = number + self._num_known
        seed = derive_seed(self._config.seed, Purpose.PROPOSING, index)
        self._seed_sampler(seed)
        noted = self._noted()
        trial = make_trial()
        if trial.number != index:
            raise RuntimeError(f"Optuna numbered trial {index} as {trial.number}.")

        def reseeded(position: int) -> optuna.Trial:
            self._seed_sampler(derive_seed(seed, Purpose.PROPOSING, position))
            return trial

        params = suggest_params(self._config.parameters, self._config.fixed, _Reseeded(reseeded))
        new = {key: value for key, value in self._noted().items() if noted.get(key) != value}
        self._study_notes[number] = {**self._study_notes.get(number, {}), **new}
        attributes = self._storage.get_trial_system_attrs(trial._trial_id)
        tried = (self._flat(params), attributes.get("fixed_params"))
        self._queue = [point for point in self._queue if point not in tried]
        # Only now: while this was going on, the trial was in Optuna and its point in the queue.
        self._num_points = self._num_own + len(self._queue)
        return params

    def _noted(self) -> dict[str, Any]:
        """Returns what samplers noted of the study as a whole so far."""
        return dict(self._storage.get_study_system_attrs(self._study._study_id))

    def _again(self, number: int) -> optuna.Trial:
        return optuna.trial.Trial(self._study, self._trial_id(number))

    def _trial_id(self, number: int) -> int:
        index, study_id = number + self._num_known, self._study._study_id
        return int(self._storage.get_trial_id_from_study_id_trial_number(study_id, index))

    def _seed_sampler(self, seed: int) -> None:
        self._study.sampler = make_sampler(self._name, self._sequence_seed, seed)

    def _points_to_try(self) -> list[dict[str, Scalar]]:
        config = self._config
        points = list(config.first_trials)
        if self._name == "grid":
            seed = derive_seed(config.seed, Purpose.PROPOSING)
            grid = shuffled_grid(config.parameters, config.fixed, seed)
            points += [point for point in grid if point not in points]
        return [self._flat(point) for point in points]

    def _flat(self, point: Mapping[str, ParamValue]) -> dict[str, Scalar]:
        return flat_items(self._config.parameters, self._config.fixed, point)

    def _untried(self) -> list[dict[str, Scalar]]:
        """Returns the points to try that no trial has had; the sampler may change between them."""
        known = self._study.get_trials(deepcopy=False)  # also those of the search it came from
        tried = [trial.params for trial in known]
        tried += [trial.system_attrs.get("fixed_params", {}) for trial in known]
        keys = {tuple(sorted(point.items())) for point in tried}
        untried: dict[tuple[Any, ...], dict[str, Scalar]] = {}
        for point in self._points_to_try():
            key = tuple(sorted(point.items()))
            if key not in keys:
                untried.setdefault(key, point)
        return list(untried.values())


@final
class _Reseeded:
    """Draws every value from a seed of its own: a crash between two of them changes neither."""

    def __init__(self, reseeded: Callable[[int], optuna.Trial]):
        self._reseeded = reseeded
        self._indices = itertools.count()

    def suggest_float(self, name: str, low: float, high: float, **options: Any) -> float:
        return self._next().suggest_float(name, low, high, **options)

    def suggest_int(self, name: str, low: int, high: int, **options: Any) -> int:
        return self._next().suggest_int(name, low, high, **options)

    def suggest_categorical(self, name: str, choices: tuple[Scalar, ...]) -> Scalar:
        return self._next().suggest_categorical(name, choices)

    def _next(self) -> optuna.Trial:
        return self._reseeded(next(self._indices))
