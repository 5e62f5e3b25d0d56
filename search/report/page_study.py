"""What a page says of the study: what was asked, and how to ask it again."""

import importlib.metadata
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from search.config import StudyConfig
from search.report.tables import number, title
from search.space import Categorical, Parameter
from search.study.reader import SearchRecord

# May hold passwords, and no result depends on them.
_LEFT_OUT: Final = ("on_end", "tracking")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^@\s]+@")
_PACKAGES: Final = (
    "vaesearch",
    "tensorflow",
    "keras",
    "numpy",
    "scikit-learn",
    "optuna",
    "ray",
    "mlflow",
    "moocore",
    "plotly",
)

Rows = Sequence[tuple[str, str]]


def question_section(record: SearchRecord) -> dict[str, Any]:
    """Returns what the search was asked: its space, images, objectives and budget, as text."""
    config, prepared = record.config, record.prepared or {}
    return {
        "space": [(name, *_range(parameter)) for name, parameter in config.parameters.items()],
        "fixed": [(name, str(value)) for name, value in config.fixed.items()],
        "objectives": _objectives(config, prepared),
        "about": [*_dataset(config, prepared), *_budget(record)],
    }


def reproduction_section(record: SearchRecord, where: str) -> dict[str, Any]:
    """Returns how to run the search again.

    Args:
        record: The search.
        where: What a command needs to find it, such as ` --workspace FOLDER`.
    """
    values = _said(record.config.model_dump(mode="json", exclude=set(_LEFT_OUT)))
    values["space"] = {name: _said(section) for name, section in values["space"].items()}
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=88)
    identity = record.identity
    prepared = record.prepared or {}
    hashes = [
        ("images", str(identity.get("data", "not recorded"))),
        ("code of models, metrics and trials", str(identity.get("code", "not recorded"))),
        ("feature extractor", str(prepared.get("extractor_hash", "none"))),
        ("search", record.id),
    ]
    return {
        "file": without_passwords(text),
        "commands": [
            f"vaesearch check {record.name}.yaml",
            f"vaesearch run {record.name}.yaml",
            f"vaesearch pareto {record.name}{where}",
            f"vaesearch confirm {record.name}{where}",
        ],
        "hashes": hashes,
        "versions": ", ".join(_versions()),
    }


def without_passwords(text: str) -> str:
    """Returns text without the names and passwords in its addresses."""
    return _CREDENTIALS.sub("***@", text)


def _range(parameter: Parameter) -> tuple[str, str]:
    """Returns the range of a parameter, and under what conditions it exists."""
    if isinstance(parameter, Categorical):
        text = " | ".join(str(choice) for choice in parameter.choices)
    else:
        kind = "whole numbers " if type(parameter.low) is int else ""
        text = f"{kind}{parameter.low:g} to {parameter.high:g}"
        text += ", logarithmic" if parameter.log else ""
        text += f", in steps of {parameter.step:g}" if parameter.step is not None else ""
    notes = [f"a list of {parameter.length}"] if parameter.length is not None else []
    for other, values in parameter.when.items():
        notes.append(f"when {other} is {' or '.join(map(str, values))}")
    return text, ", ".join(notes)


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the keys of a study file, and of its sections, that say something."""
    nothing: tuple[Any, ...] = (None, [], {})
    sections = {
        key: {name: item for name, item in value.items() if item not in nothing}
        if isinstance(value, dict) and key not in ("fixed", "space")
        else value
        for key, value in values.items()
    }
    return {key: value for key, value in sections.items() if value not in nothing}


def _objectives(config: StudyConfig, prepared: Mapping[str, Any]) -> list[list[str]]:
    floor, ceiling = prepared.get("floor") or {}, prepared.get("ceiling") or {}
    return [
        [
            title(name),
            direction,
            *(number(side[name]) if name in side else "-" for side in (floor, ceiling)),
        ]
        for name, direction in config.objectives.items()
    ]


def _dataset(config: StudyConfig, prepared: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "images", config.dataset.name
    if "num_train" in prepared:
        shape = " x ".join(map(str, prepared.get("image_shape", [])))
        counts = [prepared.get(f"num_{part}", 0) for part in ("train", "validation", "test")]
        train, validation, test = counts
        yield (
            "splits",
            f"{train:,} to train on, {validation:,} to validate on, {test:,} to test on"
            f"{f', of {shape}' if shape else ''}",
        )
    if (accuracy := prepared.get("extractor_accuracy")) is not None:
        yield "feature extractor", f"a small classifier of these images, right on {accuracy:.1%}"
    measure = config.measure
    often = "every epoch" if measure.every_epochs == 1 else f"every {measure.every_epochs} epochs"
    yield "measured", f"{often}, on {measure.num_images:,} generated images"
    if measure.latent_samplers:
        yield "latent samplers compared", ", ".join(measure.latent_samplers)


def _budget(record: SearchRecord) -> Iterator[tuple[str, str]]:
    config = record.config
    budget, rule = config.budget, config.early_stopping
    parts = [f"{record.num_trials} trials of {budget.epochs} epochs"]
    parts += [f"{budget.hours:g} hours at most"] if budget.hours else []
    if budget.still_trials:
        parts.append(f"or until the hypervolume stood still for {budget.still_trials} trials")
    yield "budget", ", ".join(parts)
    yield "sampler", config.sampler
    options = rule.model_dump(mode="json", exclude={"rule"}, exclude_defaults=True)
    detail = ", ".join(f"{name} {value}" for name, value in options.items())
    yield "early stopping", rule.rule + (f" ({detail})" if detail and rule.rule != "none" else "")
    yield "seed", str(config.seed)
    resources = config.resources
    yield "of each trial", f"cores: {resources.cpus:g}, GPUs: {resources.gpus:g}"


def _versions() -> Iterator[str]:
    yield f"Python {platform.python_version()}"
    for package in _PACKAGES:
        try:
            yield f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue
