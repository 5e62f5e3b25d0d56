"""Running a search's trials on Ray Tune until the study holds as many as it should."""

import shutil
import tempfile
import time
from pathlib import Path

import ray
from ray import tune

from search.errors import WorkersError
from search.executor.desk_protocol import TrialDesk
from search.executor.node_stats import node_names
from search.executor.placement import Placement
from search.executor.scheduler import DeskScheduler, DeskStopper
from search.executor.searcher import DeskSearcher
from search.executor.slots import Slots
from search.executor.worker import TrialWorker
from search.sections import ResourcesSection
from search.spending import Spending
from search.work import Shared


def run_trials(
    desk: TrialDesk,
    shared: Shared,
    resources: ResourcesSection,
    slots: Slots,
    spending: Spending | None = None,
) -> None:
    """Runs until the desk hands out nothing more and everything that was out has reported.

    Args:
        desk: Of a search or a confirmation.
        shared: What every worker needs.
        resources: Of one trial.
        slots: How many trials may run at once.
        spending: Hears where the workers' time goes.

    Raises:
        WorkersError: If Ray broke down. What was measured is in the study.
    """
    scratch = tempfile.mkdtemp(prefix="vaesearch-")
    trainable = tune.with_resources(
        tune.with_parameters(TrialWorker, shared=shared),
        {"cpu": resources.cpus, "gpu": resources.gpus},
    )
    placement = Placement(
        resources,
        lambda node, reason: _set_aside(desk, slots, node, reason),
        slots.has_room_beside,
    )
    stopper = DeskStopper(desk, slots, slots.note_wanted)
    spending = spending or Spending()
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            num_samples=-1,
            search_alg=DeskSearcher(desk, slots, spending),
            scheduler=DeskScheduler(desk, placement, shared.flag, slots, spending),
            max_concurrent_trials=slots.limit,  # how many run at once, the searcher decides
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
    started = time.perf_counter()
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
        spending.worker_seconds += slots() * (time.perf_counter() - started)
        desk.end()
        shutil.rmtree(scratch, ignore_errors=True)


def _set_aside(desk: TrialDesk, slots: Slots, node: str, reason: str) -> None:
    """Takes a node out of what this search counts on, and says so in its history."""
    slots.set_aside |= {node}
    name = node_names(ray.nodes()).get(node, node[:12])
    desk.note("node set aside", {"node": name, "reason": reason[:300]})
