"""One session of a search on Ray: its images, its trials, its front measured again and drawn."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, final

import ray

from search.candidates import front_candidates
from search.config import StudyConfig
from search.early_stopping import make_early_stopping
from search.errors import IdentityError, SearchError
from search.executor.desk import Desk
from search.executor.gpu_memory import gpu_size
from search.executor.remote import remotely
from search.executor.room import wait_for_room
from search.executor.run import run_trials
from search.executor.sharing import prepare
from search.executor.slots import Slots
from search.executor.stop_flag import new_flag
from search.gpu_fractions import GPU_MEMORY
from search.showcase import Showcase
from search.spending import Spending
from search.stopper import Ending, Stopper
from search.study.reader import StudyReader
from search.study.writer import StudyWriter
from search.trial import Trial
from search.work import Shared, Work
from search.workspace import Workspace


@final
class Session:
    """What a driver does while Ray runs.

    Args:
        reader: The search.
        writer: The same, held by this driver.
        workspace: Where it lives.
        stopper: Says when to end early.
        say: Called with a short sentence whenever a new phase begins.
        work: What the workers do.

    Attributes:
        spending: Where the workers' time goes.
    """

    def __init__(
        self,
        reader: StudyReader,
        writer: StudyWriter,
        workspace: Workspace,
        stopper: Stopper,
        say: Callable[[str], None],
        work: Work,
    ):
        self._reader = reader
        self._writer = writer
        self._stopper = stopper
        self._say = say
        self._work = work
        self._record = reader.record()
        self._config: StudyConfig = self._record.config
        self._workspace = workspace
        self._store = workspace.store(self._config)
        self.spending = Spending()

    def run(self, dataset_folder: str, slots: Slots, is_shared: bool | None = None) -> Ending:
        """Runs the search to its end or until it is stopped.

        Args:
            dataset_folder: The study's images.
            slots: How many trials may run at once.
            is_shared: Whether workers do not see this machine's folders; the images and their
                judge go through the store then. None: unless Ray runs on this machine alone.

        Raises:
            SearchError: If the search cannot go on. What was measured is kept.
        """
        is_stopping = self._stopper.is_stopping
        if not wait_for_room(self._config.resources, slots, self._say, is_stopping):
            return self._stopper.ending or Ending.STOPPED
        folders = self._prepare(dataset_folder, is_shared)
        if folders is None:
            return self._stopper.ending or Ending.STOPPED
        self._note_gpus()
        num_workers = slots()
        self._say(f"running trials on {num_workers} worker{'s' if num_workers > 1 else ''}")
        desk = Desk(
            self._writer,
            self._config.budget.trials,
            make_early_stopping(self._config),
            on_error=lambda: self._stopper.stop(Ending.STOPPED),
            # On a cluster a share may grow: the sampler must not be waited for in Tune's loop then.
            num_workers=max(num_workers, 2) if slots.is_shared else num_workers,
        )
        self._run_trials(desk, folders, slots)
        if desk.error is not None:
            raise desk.error
        if self._stopper.ending is not None and not desk.has_everything:
            return self._stopper.ending
        if desk.is_settled:
            self._note_settled()
        if not (self._remeasure(folders) and self._show(folders)):
            return self._stopper.ending or Ending.STOPPED
        return Ending.SETTLED if desk.is_settled else Ending.FINISHED

    def _note_gpus(self) -> None:
        """Notes how much memory a GPU has, for advice on the part of it that trials need."""
        known = any(event.kind == GPU_MEMORY for event in self._reader.events())
        if self._config.resources.gpus and not known:
            size = self._remotely(gpu_size)
            if size is not None:
                self._writer.note(GPU_MEMORY, {"mb": round(size)})

    def _note_settled(self) -> None:
        record = self._reader.record()
        if not record.is_settled:
            self._writer.prepare({**(record.prepared or {}), "is_settled": True})
            still = self._config.budget.still_trials
            self._writer.note("hypervolume stands still", {"still_trials": still})

    def _prepare(self, dataset_folder: str, is_shared: bool | None) -> Any:
        """Returns the folders of the images and their judge, None if stopped meanwhile."""
        self._say("preparing the feature extractor and the reference figures")
        place, stored = (dataset_folder, self._workspace), self._record.prepared
        is_stopping = self._stopper.is_stopping
        answer = prepare(self._work, self._config, place, stored, is_shared, is_stopping)
        if answer is None:
            return None
        folders, prepared = answer
        # Fixed by the first run, but for the number of points, which depends on the sampler.
        limit = self._writer.proposals.limit
        num_points = None if limit is None else limit - self._num_retried()
        current = {**(stored or prepared), "num_points": num_points}
        if current != stored:
            self._writer.prepare(current)
        if stored is not None and stored.get("extractor_hash") != prepared.get("extractor_hash"):
            raise IdentityError(
                "The feature extractor is not the one this search began with "
                f"({prepared.get('extractor_hash')!r:.14} for {stored.get('extractor_hash')!r:.14}"
                "): their FIDs cannot be compared. Restore the workspace's cache folder, or start "
                "a new search."
            )
        return folders

    def _num_retried(self) -> int:
        origins = [trial.origin or {} for trial in self._reader.trials()]
        return sum("retries" in origin for origin in origins)

    def _run_trials(self, desk: Desk, folders: Any, slots: Slots) -> None:
        flag = new_flag()
        self._stopper.on_stop(desk.close)
        self._stopper.on_stop(lambda: _tell(flag.raise_flag))
        desk.on_stop_attempt = lambda task: _tell(flag.stop_attempt, task.trial, task.attempt)
        shared = Shared(self._config, self._record.id, self._store, folders, flag, self._work)
        run_trials(desk, shared, self._config.resources, slots, self.spending)
        proposals = self._writer.proposals
        self.spending.note("proposals", proposals.num_asked, proposals.seconds)

    def _remeasure(self, folders: Any) -> bool:
        """Measures the front's stored weights on fresh draws against the test images.

        Returns whether it did, and was not stopped.
        """
        done = self._reader.remeasured()
        trials = self._reader.trials()
        front = front_candidates(self._config, trials)
        wanted = [key for key in front if key not in done]
        if not wanted:
            return True
        self._say(f"measuring the front's {_models(len(wanted))} again, on the test images")
        figures = self._remotely(self._work.remeasure, *self._models(folders, trials, wanted))
        if figures is None:
            return False
        for (trial, epoch), metrics in figures.items():
            self._writer.remeasured(trial, epoch, metrics)
        return True

    def _show(self, folders: Any) -> bool:
        """Has pictures and Keras models made of those front members that have none.

        Returns whether it was not stopped. What fails is said, and tried again by the next driver.
        """
        trials = self._reader.trials()
        try:
            showcase = Showcase(self._store, self._record.id)
            front = front_candidates(self._config, trials)
            wanted = [key for key in front if not showcase.names(*key)]
            if not wanted:
                return True
            self._say(f"drawing the front's {_models(len(wanted))}")
            arguments = self._models(folders, trials, wanted)
            return self._remotely(self._work.show, *arguments) is not None
        except SearchError as error:
            self._say(f"the front was not drawn: {error}")
            return True

    def _models(
        self, folders: Any, trials: Sequence[Trial], wanted: list[tuple[int, int]]
    ) -> tuple[Any, ...]:
        """Returns what a worker has to know of candidates."""
        params = {t.number: self._config.model_params(dict(t.params)) for t in trials}
        return self._config, self._record.id, self._store, folders, wanted, params

    def _remotely(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Returns `function(*arguments)` from a worker process, None if stopped meanwhile."""
        resources = self._config.resources
        return remotely(resources, self._stopper.is_stopping, function, *arguments)


def _tell(method: Any, *arguments: Any) -> None:
    with contextlib.suppress(ray.exceptions.RayError):
        method.remote(*arguments)


def _models(count: int) -> str:
    return "one model" if count == 1 else f"{count} models"
