"""Optuna: it holds the proposals and is told every trial's end. It never holds the truth.

A trial of ours has the number of its Optuna trial, after those that the search knew from another
one. A crash between a commit here and one in our tables is mended by `Proposals.ask` and
`StudyWriter.mend`.
"""

import itertools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final, final

import optuna
import sqlalchemy as sa
from optuna.trial import TrialState as OptunaState

from search.config import StudyConfig
from search.grid import shuffled_grid
from search.samplers import choose_sampler, make_sampler
from search.seeds import Purpose, derive_seed
from search.space import Scalar, flat_items, suggest_params
from search.study.database import engine_arguments
from search.study.reader import SearchRecord
from search.study.spaces import refill, study_name
from search.trial import Params, ParamValue, TrialState

_TOLD: Final = {
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}


class Proposals:
    """The Optuna study of one search. One thread may ask while another one tells.

    Args:
        url: SQLAlchemy URL of the study database.
        record: The search.
    """

    def __init__(self, url: str, record: SearchRecord):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # A range that is no multiple of its step ends at the last step inside: as we document it.
        warnings.filterwarnings("ignore", message="The distribution is specified by")
        self._record = record
        self._config = record.config
        self._num_known = record.num_known
        self._name = choose_sampler(record.config, record.num_known)
        # Of the quasi-random sequence, which would begin anew with every Optuna study.
        self._sequence_seed = record.config.seed
        if record.num_known or record.generation:
            first = derive_seed(record.config.seed, Purpose.PROPOSING, record.num_known)
            self._sequence_seed = derive_seed(first, Purpose.PROPOSING, record.generation)
        self._storage = optuna.storages.RDBStorage(url, engine_kwargs=engine_arguments(url))
        self.engine: sa.Engine = self._storage.engine
        self._study = optuna.create_study(
            storage=self._storage,
            study_name=study_name(record.id, record.generation),
            directions=record.config.directions,
            load_if_exists=True,
        )
        # Of its own, because the sampler of the other one is changed by whoever asks.
        self._telling = optuna.load_study(
            study_name=self._study.study_name,
            storage=self._study._storage,
            sampler=optuna.samplers.RandomSampler(),
        )
        self._queue = self._untried()
        self._num_points = len(self._trials()) + len(self._queue)

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
        if number in self.unfinished():  # asked for before a crash, and never recorded with us
            return self._suggest(number, lambda: self._unrecorded(number))
        if not self._trials(OptunaState.WAITING):  # else a crash came right after the enqueueing
            if point is not None:
                self._study.enqueue_trial(self._flat(point))
            elif self._queue:
                self._study.enqueue_trial(self._queue[0])
        return self._suggest(number, self._study.ask)

    def tell(self, number: int, state: TrialState, values: list[float] | None) -> None:
        """Tells how a trial ended; telling again what is known already changes nothing.

        Args:
            number: The trial.
            state: Complete, pruned or failed.
            values: The objectives at the full budget, for a complete trial.
        """
        told = values if state is TrialState.COMPLETE else None
        self._telling.tell(
            number + self._num_known, told, state=_TOLD[state], skip_if_finished=True
        )

    def unfinished(self) -> list[int]:
        """Returns the numbers of the trials that Optuna believes to be running."""
        return [trial.number - self._num_known for trial in self._trials(OptunaState.RUNNING)]

    def grow(self, config: StudyConfig, generation: int, num_trials: int) -> None:
        """Makes the Optuna study of a larger space, which knows all trials so far.

        Args:
            config: The study file with the new space.
            generation: How often the space has grown then.
            num_trials: Trials of the search.
        """
        target = study_name(self._record.id, generation)
        limit = num_trials + self._num_known
        refill(self._storage, self._study.study_name, target, config, limit)

    def pass_on(self, search_id: str, config: StudyConfig) -> int:
        """Gives the ended trials to a new search's Optuna study; returns how many there are."""
        target = study_name(search_id, 0)
        return refill(self._storage, self._study.study_name, target, config)

    def _trials(self, *states: OptunaState) -> list[optuna.trial.FrozenTrial]:
        """Returns the search's own trials, in some states or in all."""
        found = self._study.get_trials(deepcopy=False, states=states or None)
        return [trial for trial in found if trial.number >= self._num_known]

    def _suggest(self, number: int, make_trial: Callable[[], optuna.Trial]) -> Params:
        index = number + self._num_known
        seed = derive_seed(self._config.seed, Purpose.PROPOSING, index)
        self._seed_sampler(seed)
        trial = make_trial()
        if trial.number != index:
            raise RuntimeError(f"Optuna numbered trial {index} as {trial.number}.")

        def reseeded(position: int) -> optuna.Trial:
            self._seed_sampler(derive_seed(seed, Purpose.PROPOSING, position))
            return trial

        params = suggest_params(self._config.parameters, self._config.fixed, _Reseeded(reseeded))
        attributes = self._storage.get_trial_system_attrs(trial._trial_id)
        tried = (self._flat(params), attributes.get("fixed_params"))
        self._queue = [point for point in self._queue if point not in tried]
        # Only now: while this was going on, the trial was in Optuna and its point in the queue.
        self._num_points = len(self._trials()) + len(self._queue)
        return params

    def _unrecorded(self, number: int) -> optuna.Trial:
        running = self._trials(OptunaState.RUNNING)
        index = number + self._num_known
        trial_id = next(trial._trial_id for trial in running if trial.number == index)
        return optuna.trial.Trial(self._study, trial_id)

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
