"""Running a search's trials on Ray Tune until the study holds as many as it should."""

import shutil
import tempfile
from pathlib import Path

import ray
from ray import tune

from search.errors import WorkersError
from search.executor.desk_protocol import TrialDesk
from search.executor.scheduler import DeskScheduler, DeskStopper
from search.executor.searcher import DeskSearcher
from search.executor.worker import TrialWorker
from search.sections import ResourcesSection
from search.work import Shared


def run_trials(
    desk: TrialDesk, shared: Shared, resources: ResourcesSection, num_workers: int
) -> None:
    """Runs until the desk hands out nothing more and everything that was out has reported.

    Raises:
        WorkersError: If Ray broke down. What was measured is in the study.
    """
    scratch = tempfile.mkdtemp(prefix="vaesearch-")
    trainable = tune.with_resources(
        tune.with_parameters(TrialWorker, shared=shared),
        {"cpu": resources.cpus, "gpu": resources.gpus},
    )
    stopper = DeskStopper(desk)
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            num_samples=-1,
            search_alg=DeskSearcher(desk),
            scheduler=DeskScheduler(desk),
            max_concurrent_trials=num_workers,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: f"attempt_{trial.trial_id}",
        ),
        run_config=tune.RunConfig(
            name=Path(scratch).name,
            storage_path=scratch,
            verbose=0,
            stop=stopper,
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    try:
        tuner.fit()
        if not stopper.has_nodes:
            raise WorkersError(
                "Ray's node died, and with it all of its workers. What was measured is kept; "
                "`vaesearch resume`, or `confirm` again, goes on."
            )
    except (ray.exceptions.RayError, tune.TuneError) as error:
        raise WorkersError(
            f"Ray broke down: {' '.join(str(error).split())[:300]}. What was measured is kept; "
            "`vaesearch resume`, or `confirm` again, goes on."
        ) from error
    finally:
        desk.end()
        shutil.rmtree(scratch, ignore_errors=True)
