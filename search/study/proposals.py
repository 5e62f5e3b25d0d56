"""Optuna: it holds the proposals and is told every trial's end. It never holds the truth.

A trial of ours has the number of its Optuna trial. A crash between a commit here and one in our
tables is mended by `Proposals.ask` and `StudyWriter.mend`.
"""

import itertools
import warnings
from collections.abc import Callable
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
from search.trial import Params, TrialState

_TOLD: Final = {
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}


class Proposals:
    """The Optuna study of one search.

    Args:
        url: SQLAlchemy URL of the study database.
        search_id: Names the Optuna study.
        config: The study file.
    """

    def __init__(self, url: str, search_id: str, config: StudyConfig):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # A range that is no multiple of its step ends at the last step inside: as we document it.
        warnings.filterwarnings("ignore", message="The distribution is specified by")
        self._config = config
        self._name = choose_sampler(config)
        storage = optuna.storages.RDBStorage(url, engine_kwargs=engine_arguments(url))
        self.engine: sa.Engine = storage.engine
        self._study = optuna.create_study(
            storage=storage,
            study_name=f"vaesearch-{search_id}",
            directions=config.directions,
            load_if_exists=True,
        )
        self._queue = self._points_to_try()

    @property
    def sampler_name(self) -> str:
        """The sampler in use."""
        return self._name

    @property
    def limit(self) -> int | None:
        """How many trials there can be until every point was tried, None if no end is near."""
        if self._name != "grid":
            return None
        return len(self._study.get_trials(deepcopy=False)) + len(self._untried())

    def ask(self, number: int) -> Params:
        """Returns the params of a new trial; asking again for the same number gives the same.

        Args:
            number: The number the trial will have: one more than the last.
        """
        if number in self.unfinished():  # asked for before a crash, and never recorded with us
            return self._suggest(number, lambda: self._unrecorded(number))
        waiting = self._study.get_trials(deepcopy=False, states=(OptunaState.WAITING,))
        if not waiting and (untried := self._untried()):
            self._study.enqueue_trial(untried[0])
        return self._suggest(number, self._study.ask)

    def tell(self, number: int, state: TrialState, values: list[float] | None) -> None:
        """Tells how a trial ended; telling again what is known already changes nothing.

        Args:
            number: The trial.
            state: Complete, pruned or failed.
            values: The objectives at the full budget, for a complete trial.
        """
        told = values if state is TrialState.COMPLETE else None
        self._study.tell(number, told, state=_TOLD[state], skip_if_finished=True)

    def unfinished(self) -> list[int]:
        """Returns the numbers of the trials that Optuna believes to be running."""
        running = self._study.get_trials(deepcopy=False, states=(OptunaState.RUNNING,))
        return [trial.number for trial in running]

    def _suggest(self, number: int, make_trial: Callable[[], optuna.Trial]) -> Params:
        seed = derive_seed(self._config.seed, Purpose.PROPOSING, number)
        self._seed_sampler(seed)
        trial = make_trial()
        if trial.number != number:
            raise RuntimeError(f"Optuna numbered trial {number} as {trial.number}.")

        def reseeded(index: int) -> optuna.Trial:
            self._seed_sampler(derive_seed(seed, Purpose.PROPOSING, index))
            return trial

        return suggest_params(self._config.parameters, self._config.fixed, _Reseeded(reseeded))

    def _unrecorded(self, number: int) -> optuna.Trial:
        known = self._study.get_trials(deepcopy=False)
        trial_id = next(trial._trial_id for trial in known if trial.number == number)
        return optuna.trial.Trial(self._study, trial_id)

    def _seed_sampler(self, seed: int) -> None:
        self._study.sampler = make_sampler(self._name, self._config.seed, seed)

    def _points_to_try(self) -> list[dict[str, Scalar]]:
        config = self._config
        points = list(config.first_trials)
        if self._name == "grid":
            seed = derive_seed(config.seed, Purpose.PROPOSING)
            grid = shuffled_grid(config.parameters, config.fixed, seed)
            points += [point for point in grid if point not in points]
        return [flat_items(config.parameters, config.fixed, point) for point in points]

    def _untried(self) -> list[dict[str, Scalar]]:
        """Returns the points to try that no trial has had; the sampler may change between them."""
        known = self._study.get_trials(deepcopy=False)
        tried = [trial.params for trial in known]
        tried += [trial.system_attrs.get("fixed_params", {}) for trial in known]
        keys = {tuple(sorted(point.items())) for point in tried}
        return [point for point in self._queue if tuple(sorted(point.items())) not in keys]


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
