"""The study file: everything that defines a search, checked at once and completely."""

import re
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

import pydantic
from pydantic import Field, field_validator, model_validator

from search.errors import StudyConfigError, suggestion
from search.models.vocabulary import (
    EXTRA_METRICS,
    JUDGED_METRICS,
    METRICS,
    MODEL_PARAMS,
    OWN,
    is_own,
)
from search.sections import (
    BudgetSection,
    CodeSection,
    DatasetSection,
    EarlyStoppingSection,
    MeasureSection,
    OnEndSection,
    ParameterSection,
    ResourcesSection,
    Section,
    TrackingSection,
)
from search.space import Int, SearchSpace, dependencies, flat_items, ordered
from search.trial import Params

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LONGEST: Final = 1000  # values of one list, such as the widths of a thousand layers

Direction: TypeAlias = Literal["minimize", "maximize"]
SamplerName: TypeAlias = Literal["auto", "tpe", "nsga2", "random", "quasi-random", "grid", "gp"]


class StudyConfig(Section):
    """One search, complete. See `vaesearch init` for every key with its meaning."""

    name: str
    dataset: DatasetSection
    space: Annotated[dict[str, ParameterSection], Field(min_length=1)]
    fixed: dict[str, Any] = Field(default_factory=dict)
    code: CodeSection | None = None
    first_trials: list[dict[str, Any]] = Field(default_factory=list)
    objectives: Annotated[dict[str, Direction], Field(min_length=1)] = Field(
        default_factory=lambda: {"fid": "minimize", "tvd": "minimize"}  # type: ignore[arg-type]
    )
    budget: BudgetSection = BudgetSection()
    measure: MeasureSection = MeasureSection()
    early_stopping: EarlyStoppingSection = EarlyStoppingSection()
    sampler: SamplerName = "auto"
    seed: Annotated[int, Field(ge=0)] = 0
    resources: ResourcesSection = ResourcesSection()
    workspace: str | None = None
    store: str | None = None
    store_quota_gb: Annotated[float, Field(gt=0)] | None = None
    tracking: TrackingSection = TrackingSection()
    on_end: OnEndSection | None = None

    @field_validator("name")
    @classmethod
    def _can_name_files(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(
                "expected at most 63 letters, digits, `.`, `_`, `-`, a letter or digit first. "
                f"Received: {value[:80]!r}"
            )
        return value

    @field_validator("dataset", mode="before")
    @classmethod
    def _a_bare_name_is_enough(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("code", mode="before")
    @classmethod
    def _a_bare_path_is_enough(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _check_names(self.parameters, self.fixed)
        _check_own_names(self)
        _check_conditions(self.parameters, self.fixed)
        _check_objectives(self)
        _check_early_stopping(self)
        for index, params in enumerate(self.first_trials):
            try:
                flat_items(self.parameters, self.fixed, params)
            except StudyConfigError as error:
                where = ("first_trials", index, *error.location)
                raise StudyConfigError(str(error), where) from error
        return self

    @property
    def parameters(self) -> SearchSpace:
        """The search space."""
        return {name: section.parameter() for name, section in self.space.items()}

    @property
    def directions(self) -> list[Direction]:
        """The direction of every objective, in the order of the file."""
        return list(self.objectives.values())

    @property
    def needs_extractor(self) -> bool:
        """Whether an objective judges images by their features."""
        return bool(JUDGED_METRICS & set(self.objectives))

    def model_params(self, params: Params) -> Params:
        """Returns `params` with what is fixed, without names that only shape the space."""
        return {k: v for k, v in {**self.fixed, **params}.items() if _is_of_models(k)}


def _is_of_models(name: str) -> bool:
    return name in MODEL_PARAMS or (name.startswith(OWN) and name != OWN)


def _check_own_names(config: StudyConfig) -> None:
    """Refuses names of the user's code in a study that brings none."""
    if config.code is not None:
        return
    if is_own(config.dataset.name):
        raise StudyConfigError(
            f"the loader {config.dataset.name!r} needs `code`, the folder of its module",
            ("dataset", "name"),
        )
    for name, section in config.space.items():
        if name.startswith(OWN) or any(map(is_own, section.choices or [])):
            message = f"`{name}` needs `code`, the folder of your modules"
            raise StudyConfigError(message, ("space", name))
    for name, value in config.fixed.items():
        if name.startswith(OWN) or is_own(value):
            message = f"`{name}` needs `code`, the folder of your modules"
            raise StudyConfigError(message, ("fixed", name))


def _check_names(space: SearchSpace, fixed: Params) -> None:
    """Refuses names that no model knows, and spaces that search one knob under two names."""
    if both := sorted(set(space) & set(fixed)):
        message = f"{both} stand in `space` and in `fixed`; keep one of the two"
        raise StudyConfigError(message, ("fixed", both[0]))
    ordered(space, fixed)  # refuses circles and unknown dependencies
    structural = {name for parameter in space.values() for name in dependencies(parameter)}
    for section, names in (("space", space), ("fixed", fixed)):
        for name in names:
            if not _is_of_models(name) and name not in structural:
                hint = suggestion(name, MODEL_PARAMS)
                raise StudyConfigError(f"no model has a parameter `{name}`{hint}", (section, name))
    if {"beta", "variance"} <= set(space):
        raise StudyConfigError(
            "`beta` and `variance` are the same knob on the Gaussian likelihood; search one of "
            "them, and put the other under `fixed`",
            ("space", "variance"),
        )


def _check_conditions(space: SearchSpace, fixed: Params) -> None:
    """Refuses conditions that never hold, and lengths that are no whole numbers."""
    for name, parameter in space.items():
        for other, values in parameter.when.items():
            known = space[other].contains if other in space else [fixed[other]].__contains__
            if wrong := [value for value in values if not known(value)]:
                raise StudyConfigError(
                    f"`{name}` exists when `{other}` is {wrong[0]!r}, which it never is. "
                    f"Correct the value, or {'the range of' if other in space else 'change'} "
                    f"`{other}`",
                    ("space", name, "when", other),
                )
        if parameter.length is not None and not _is_count(parameter.length, space, fixed):
            raise StudyConfigError(
                f"`length: {parameter.length}` must be a whole number from 0 to {_LONGEST}, or the "
                "name of a parameter of `type: int` or a fixed one that is",
                ("space", name, "length"),
            )


def _is_count(length: int | str, space: SearchSpace, fixed: Params) -> bool:
    if isinstance(length, str) and length in space:
        parameter = space[length]
        is_one = isinstance(parameter, Int) and parameter.length is None
        return is_one and parameter.low >= 0 and parameter.high <= _LONGEST  # type: ignore[union-attr]
    value = fixed[length] if isinstance(length, str) else length
    return type(value) is int and 0 <= value <= _LONGEST


def _check_objectives(config: StudyConfig) -> None:
    for name in config.objectives:
        if name not in METRICS:
            message = f"nothing measures `{name}`{suggestion(name, METRICS)}"
            raise StudyConfigError(message, ("objectives", name))
    for index, name in enumerate(config.measure.metrics):
        if name not in EXTRA_METRICS:
            reason = "is always measured" if name in METRICS else "is measured by nothing"
            message = f"`{name}` {reason}{suggestion(name, EXTRA_METRICS)}"
            raise StudyConfigError(message, ("measure", "metrics", index))
    measured = {*config.objectives, *config.measure.metrics}
    if "disentanglement" in measured and config.dataset.name != "sprites":
        raise StudyConfigError(
            "`disentanglement` needs images whose factors are known: `dataset: sprites`",
            ("dataset",),
        )
    across = [name for name in ("likelihood", "variance") if name in config.space]
    scales = ("elbo", "log_likelihood", "reconstruction_loss")
    scaled = [name for name in scales if name in config.objectives]
    if across and scaled:
        raise StudyConfigError(
            f"objective `{scaled[0]}` has another scale for each `{across[0]}`; "
            "fix the one or drop the other",
            ("objectives", scaled[0]),
        )


def _check_early_stopping(config: StudyConfig) -> None:
    section = config.early_stopping
    for name in section.thresholds:
        if name not in config.objectives:
            message = f"`{name}` is no objective{suggestion(name, config.objectives)}"
            raise StudyConfigError(message, ("early_stopping", "thresholds", name))
    if section.rule == "threshold" and not section.thresholds:
        message = "`rule: threshold` needs `thresholds`, such as {fid: 100}"
        raise StudyConfigError(message, ("early_stopping", "rule"))
    if section.thresholds and section.rule != "threshold":
        message = f"`thresholds` mean nothing to `rule: {section.rule}`; write `rule: threshold`"
        raise StudyConfigError(message, ("early_stopping", "thresholds"))
    grace, epochs = section.grace_epochs, config.budget.epochs
    if section.rule != "none" and grace is not None and grace >= epochs:
        message = f"a grace of {grace} epochs leaves nothing to stop in a budget of {epochs}"
        raise StudyConfigError(message, ("early_stopping", "grace_epochs"))


def location_of(detail: Any) -> list[str | int]:
    """Returns the keys on the way to what one of pydantic's error details speaks of."""
    cause = detail.get("ctx", {}).get("error")
    branches = ("bool", "int", "float", "str", "none")  # alternatives of a union, no keys
    own = [part for part in detail["loc"] if part not in branches]
    return [*own, *getattr(cause, "location", ())]


def replaced(values: dict[str, Any]) -> StudyConfig:
    """Returns the study of changed plain values, checked again.

    Raises:
        StudyConfigError: If they are impossible now; one line.
    """
    try:
        return StudyConfig.model_validate(values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in location_of(first))
        message = str(first["msg"]).removeprefix("Value error, ")
        raise StudyConfigError(f"{where}: {message}".removeprefix(": ")) from error
