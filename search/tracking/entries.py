"""What a run holds in MLflow's own terms: names, params and tags as text."""

import json
from collections.abc import Mapping
from typing import Any, Final

from search.study.reader import SearchRecord
from search.trial import TrialState

# Of what is fixed in the one, of what a trial has of its own in the other.
_WHOLE: Final = "whole in study.yaml or `vaesearch status --json`"


def shown_state(state: TrialState, is_last: bool) -> str:
    """Returns a trial's state as told by a driver that goes on, or by one that ends."""
    if is_last and state is TrialState.RUNNING:
        return TrialState.WAITING.value
    return state.value


def search_params(record: SearchRecord) -> dict[str, str]:
    """Returns what never changes of a search; MLflow lets no param change."""
    config = record.config
    return flat(
        {
            "dataset": config.dataset.name,
            "epochs": config.budget.epochs,
            "seed": config.seed,
            "num_images": config.measure.num_images,
            **{f"objective.{name}": direction for name, direction in config.objectives.items()},
            **{f"fixed.{name}": value for name, value in config.fixed.items()},
        }
    )


def search_tags(record: SearchRecord) -> dict[str, str]:
    """Returns what a resume may change."""
    budget = record.config.budget
    return {
        "vaesearch.budget_trials": str(budget.trials),
        "vaesearch.budget_hours": str(budget.hours or ""),
        "vaesearch.sampler": record.config.sampler,
        "vaesearch.code": str(record.identity.get("code", "")),
    }


def metric_name(name: str) -> str:
    """Returns a name that MLflow takes: `fid@prior*100` becomes `fid/prior x100`."""
    return name.replace("@", "/").replace("*", " x").replace("+", " plus ")


def shown(text: str, longest: int) -> str:
    """Returns text as MLflow takes it, always the same of the same: a param cannot change.

    Args:
        text: Of a param or a tag.
        longest: How many characters MLflow keeps. What is longer ends by saying so.
    """
    # Half of a character pair, which no database encodes, and NUL, which PostgreSQL refuses.
    clean = text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    if len(clean) <= longest:
        return clean
    note = f"… ({len(clean):,} characters; {_WHOLE})"
    return clean[: longest - len(note)] + note


def flat(values: Mapping[str, Any]) -> dict[str, str]:
    """Returns values as text, lists and the like as JSON."""
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
