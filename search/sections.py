"""The sections of a study file: what may stand where, checked one by one."""

import re
from typing import Annotated, Any, Literal, Self, TypeAlias

import pydantic
from pydantic import Field, field_validator, model_validator

from search.space import Categorical, Float, Int

RuleName: TypeAlias = Literal["none", "halving", "threshold", "plateau"]


class Section(pydantic.BaseModel):
    """Part of a study file: no unknown keys, no silent conversions, no later change."""

    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )


class ParameterSection(Section):
    """What the file says of one parameter; `search.space` says what it means."""

    type: Literal["float", "int", "categorical"]
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    step: float | int | None = None
    choices: list[bool | int | float | str | None] | None = None
    length: int | str | None = None
    when: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_the_keys_of_its_type(self) -> Self:
        has = {"low": self.low, "high": self.high, "choices": self.choices}
        wanted = {"choices"} if self.type == "categorical" else {"low", "high"}
        given = {name for name, value in has.items() if value is not None}
        if given != wanted:
            missing, extra = sorted(wanted - given), sorted(given - wanted)
            parts = [f"write {missing}"] * bool(missing) + [f"drop {extra}"] * bool(extra)
            raise ValueError(f"type {self.type} takes {sorted(wanted)}: {' and '.join(parts)}")
        if self.type == "int" and any(type(v) is float for v in (self.low, self.high, self.step)):
            raise ValueError("type int takes whole numbers for low, high and step")
        self.parameter()  # checks the range
        return self

    def parameter(self) -> Float | Int | Categorical:
        """Returns the parameter that the section describes."""
        when = {k: tuple(v) if isinstance(v, list) else (v,) for k, v in self.when.items()}
        if self.type == "categorical":
            choices = tuple(self.choices or ())
            return Categorical(choices=choices, length=self.length, when=when)
        kind: Any = Float if self.type == "float" else Int
        numbers = {"low": self.low, "high": self.high, "step": self.step}
        return kind(**numbers, log=self.log, length=self.length, when=when)  # type: ignore[no-any-return]


class DatasetSection(Section):
    """Which images. `name` is digits, mnist, fashion-mnist, or the path of a file or folder."""

    name: str
    data_dir: str | None = None
    extractor: str | None = None


class CodeSection(Section):
    """Code of the user's: a folder of modules, or a package. A search keeps what it began with.

    `hash` is that of what was kept; a study file leaves it out.
    """

    path: str
    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


class BudgetSection(Section):
    """How much to spend: finished trials, epochs of each, and hours of the whole search.

    The search ends before when the hypervolume has stood still for `still_trials` finished trials.
    """

    trials: Annotated[int, Field(ge=1)] = 24
    epochs: Annotated[int, Field(ge=1)] = 20
    hours: Annotated[float, Field(gt=0)] | None = None
    still_trials: Annotated[int, Field(ge=1)] | None = None


class MeasureSection(Section):
    """How often the generated images are judged, on how many, and by what besides the objectives.

    `latent_samplers` are compared on the weights of every trial, beside the trial's own.
    """

    every_epochs: Annotated[int, Field(ge=1)] = 1
    num_images: Annotated[int, Field(ge=100)] = 10_000
    latent_samplers: list[str] = Field(default_factory=list)
    metrics: list[str] = Field(default_factory=list)


class EarlyStoppingSection(Section):
    """When a trial ends before its budget. The defaults run every trial to its end.

    `halving` compares trials at `grace_epochs` (by default epochs / factor**2), that times
    `factor`, and so on, and lets one in `factor` go on; `threshold` ends those that are worse than
    `thresholds` after the grace; `plateau` those without an objective that improved, by more than
    `min_change` of its value, for `patience` measurements. Nothing is judged while its beta rises
    in a warm-up.
    """

    rule: RuleName = "none"
    grace_epochs: Annotated[int, Field(ge=1)] | None = None
    factor: Annotated[int, Field(ge=2)] = 3
    thresholds: dict[str, float] = Field(default_factory=dict)
    patience: Annotated[int, Field(ge=1)] = 3
    min_change: Annotated[float, Field(ge=0)] = 0.0


class ResourcesSection(Section):
    """What one trial takes, and how many run at once (default: as many as fit).

    On a cluster, trials go to nodes that have all of `labels`, and where several searches run,
    `weight` says how much this one gets compared with the others.
    """

    cpus: Annotated[float, Field(gt=0)] = 1
    gpus: Annotated[float, Field(ge=0)] = 0
    workers: Annotated[int, Field(ge=1)] | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    weight: Annotated[float, Field(gt=0)] = 1

    @field_validator("gpus")
    @classmethod
    def _is_whole_or_a_part(cls, value: float) -> float:
        if value > 1 and not value.is_integer():
            raise ValueError(f"a part of one GPU, or whole ones: 0.5, 1 or 2, not {value:g}")
        return value


class TrackingSection(Section):
    """Where MLflow keeps its record; by default an SQLite file in the workspace."""

    mlflow: bool = True
    uri: str | None = None


class OnEndSection(Section):
    """What to call when a driver has ended, unless a person ended it.

    `command` gets a JSON document on its standard input, `webhook` the same by POST. `${NAME}` in
    the webhook stands for an environment variable of the driver, whose value is stored nowhere.
    """

    command: Annotated[list[str], Field(min_length=1)] | None = None
    webhook: str | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0

    @field_validator("command", mode="before")
    @classmethod
    def _is_no_line_for_a_shell(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(
                "write a list of the program and its arguments, such as [mail, -s, done, me]; "
                f"no shell reads it. Received: {value!r}"
            )
        return value

    @field_validator("webhook")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://.|\$\{[A-Za-z_]\w*\}", value):
            raise ValueError("expected an address with http:// or https://, or ${NAME}")
        return value

    @model_validator(mode="after")
    def _calls_something(self) -> Self:
        if self.command is None and self.webhook is None:
            raise ValueError("write `command`, `webhook` or both")
        return self


def with_rule(section: EarlyStoppingSection, rule: str) -> dict[str, Any]:
    """Returns the plain values of early stopping under another rule; what it does not use goes."""
    values = section.model_dump(mode="json")
    return {**values, "rule": rule, **({} if rule == "threshold" else {"thresholds": {}})}
