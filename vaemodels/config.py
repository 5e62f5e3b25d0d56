"""Descriptions of a model and of its training in plain values, with a JSON round trip."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, final

from vaemodels.checks import (
    check_at_least,
    check_number_at_least,
    check_one_of,
    check_positive,
    is_integer,
    is_number,
    refuse,
)

ACTIVATIONS = (
    "elu",
    "gelu",
    "leaky_relu",
    "linear",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
)
LIKELIHOODS = ("bernoulli", "gaussian")
# The names of variants.py, which needs Keras; a test holds the two together.
VARIANT_NAMES = ("vae", "ae")

Config = TypeVar("Config", bound="DenseConfig | ConvConfig | VAEConfig | TrainingConfig")


def _set_integers(config: Any, name: str, *, allow_empty: bool) -> None:
    """Stores the field `name` as a tuple of integers >= 1, or refuses it."""
    values = getattr(config, name)
    expected = "a tuple of integers >= 1" if allow_empty else "a non-empty tuple of integers >= 1"
    if not isinstance(values, tuple | list) or (not values and not allow_empty):
        raise refuse(name, expected, values)
    if not all(is_integer(value) and value >= 1 for value in values):
        raise refuse(name, expected, values)
    object.__setattr__(config, name, tuple(values))


def _check_layers(config: "DenseConfig | ConvConfig") -> None:
    check_one_of(ACTIVATIONS, activation=config.activation)
    if not is_number(config.dropout) or not 0 <= config.dropout < 1:
        raise refuse("dropout", "a number from 0 to below 1", config.dropout)
    check_one_of((False, True), batch_norm=config.batch_norm)


def _plain(config: Any) -> dict[str, Any]:
    """Returns the fields of a flat config as JSON values: tuples become lists."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}


def _build(cls: type[Config], values: Mapping[str, Any]) -> Config:
    """Returns `cls(**values)` after refusing unknown and missing keys by name."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in values:
        if key not in fields:
            raise ValueError(
                f"Invalid key for `{cls.__name__}`. Expected one of {', '.join(fields)}. "
                f"Received: {key!r}. Remove or rename it."
            )
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING
        required = required and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise ValueError(
                f"Missing key for `{cls.__name__}`. Expected a value for `{name}`. "
                f"Received: {sorted(values)}. Add it."
            )
    return cls(**values)


@final
@dataclasses.dataclass(frozen=True)
class DenseConfig:
    """A stack of dense layers.

    Args:
        widths: Units of the hidden layers, in the order in which data passes them; () is a linear
            map without hidden layer.
        activation: One of `ACTIVATIONS`, of every hidden layer.
        dropout: Rate in [0, 1) after every hidden layer.
        batch_norm: Whether to normalise before every activation.

    Raises:
        ValueError: If a value is outside its range.
    """

    widths: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False

    def __post_init__(self) -> None:
        _set_integers(self, "widths", allow_empty=True)
        _check_layers(self)

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values, with its `kind`."""
        return {"kind": "dense", **_plain(self)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "DenseConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return _build(DenseConfig, {k: v for k, v in values.items() if k != "kind"})


@final
@dataclasses.dataclass(frozen=True)
class ConvConfig:
    """A stack of (transposed) convolutions, with dense layers on the side of `z`.

    A one-element tuple of kernel sizes or strides holds for every layer. An encoder may pool
    (window 2, stride 2) after every convolution; a decoder cannot, its strides enlarge instead.

    Args:
        filters: Channels of the convolutions, in the order in which data passes them.
        kernel_sizes: Side lengths of the square kernels, in pixels.
        strides: Strides, in pixels; in a decoder the factors of enlargement.
        padding: "same" or "valid".
        pool: None, "max" or "average".
        widths: Units of the dense layers after an encoder's or before a decoder's convolutions.
        activation: One of `ACTIVATIONS`, of every hidden layer.
        dropout: Rate in [0, 1), once after the convolutions and after every dense layer.
        batch_norm: Whether to normalise before every activation.

    Raises:
        ValueError: If a value is outside its range.
    """

    filters: tuple[int, ...] = (32, 64)
    kernel_sizes: tuple[int, ...] = (3,)
    strides: tuple[int, ...] = (2,)
    padding: str = "same"
    pool: str | None = None
    widths: tuple[int, ...] = ()
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False

    def __post_init__(self) -> None:
        _set_integers(self, "filters", allow_empty=False)
        for name in ("kernel_sizes", "strides"):
            _set_integers(self, name, allow_empty=False)
            values = getattr(self, name)
            if len(values) not in (1, len(self.filters)):
                raise refuse(name, f"1 or {len(self.filters)} values, as many as `filters`", values)
        _set_integers(self, "widths", allow_empty=True)
        check_one_of(("same", "valid"), padding=self.padding)
        check_one_of((None, "max", "average"), pool=self.pool)
        _check_layers(self)

    @property
    def layers(self) -> tuple[tuple[int, int, int], ...]:
        """(filters, kernel size, stride) of every convolution."""
        count = len(self.filters)
        kernels = self.kernel_sizes * count if len(self.kernel_sizes) == 1 else self.kernel_sizes
        strides = self.strides * count if len(self.strides) == 1 else self.strides
        return tuple(zip(self.filters, kernels, strides, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values, with its `kind`."""
        return {"kind": "conv", **_plain(self)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "ConvConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return _build(ConvConfig, {k: v for k, v in values.items() if k != "kind"})


def _backbone(name: str, value: Any) -> DenseConfig | ConvConfig:
    if isinstance(value, DenseConfig | ConvConfig):
        return value
    if not isinstance(value, Mapping) or value.get("kind") not in ("dense", "conv"):
        raise refuse(name, "a mapping with `kind` 'dense' or 'conv'", value)
    return (DenseConfig if value["kind"] == "dense" else ConvConfig).from_json(value)


@final
@dataclasses.dataclass(frozen=True)
class VAEConfig:
    """One model.

    The loss of an image is `-log p(x|z) + beta * KL`, in nats, summed over pixels and latents.

    Args:
        image_shape: (height, width, channels), each >= 1.
        latent_dim: Integer >= 1, length of the latent vector `z`.
        variant: "vae", or "ae": a point posterior without prior, for which beta means nothing.
        beta: Weight of the KL term, >= 0. Exactly 0 keeps the sampling noise, unlike "ae".
        likelihood: "bernoulli" (cross-entropy from logits) or "gaussian".
        variance: Of "gaussian" alone: a number > 0 in squared pixel units (0.5 is the sum of
            squared errors plus a constant), or "learned": one scalar for all pixels.
        standardize: (mean, standard deviation) of the pixels in [0, 1], or None. The encoder then
            sees standardised pixels, and a Gaussian likelihood is over them, with a linear decoder
            output. Without it the mean of a Gaussian passes a sigmoid. (0, 1) is raw pixels with
            a linear output.
        encoder: From image to the parameters of the posterior.
        decoder: From `z` to image; widths and filters in this order.

    Raises:
        ValueError: If a value is outside its range.
    """

    image_shape: tuple[int, int, int]
    latent_dim: int
    variant: str = "vae"
    beta: float = 1.0
    likelihood: str = "bernoulli"
    variance: float | str = 0.5
    standardize: tuple[float, float] | None = None
    encoder: DenseConfig | ConvConfig = dataclasses.field(default_factory=DenseConfig)
    decoder: DenseConfig | ConvConfig = dataclasses.field(
        default_factory=lambda: DenseConfig(widths=(128, 256))
    )

    def __post_init__(self) -> None:
        _set_integers(self, "image_shape", allow_empty=False)
        if len(self.image_shape) != 3:
            raise refuse("image_shape", "(height, width, channels)", self.image_shape)
        check_at_least(1, latent_dim=self.latent_dim)
        check_one_of(VARIANT_NAMES, variant=self.variant)
        check_number_at_least(0, beta=self.beta)
        check_one_of(LIKELIHOODS, likelihood=self.likelihood)
        if self.variance != "learned" and not (is_number(self.variance) and self.variance > 0):  # type: ignore[operator]
            raise refuse("variance", "a finite number > 0 or 'learned'", self.variance)
        self._check_standardize()
        for name in ("encoder", "decoder"):
            object.__setattr__(self, name, _backbone(name, getattr(self, name)))
        if isinstance(self.decoder, ConvConfig) and self.decoder.pool is not None:
            advice = "Pooling cannot be undone: set strides in the decoder instead."
            raise refuse("decoder.pool", "None", self.decoder.pool, advice)

    def _check_standardize(self) -> None:
        if self.standardize is None:
            return
        values = self.standardize
        pair = isinstance(values, tuple | list) and len(values) == 2
        if not pair or not all(is_number(value) for value in values) or values[1] <= 0:
            raise refuse("standardize", "None or (mean, standard deviation > 0)", values)
        object.__setattr__(self, "standardize", tuple(float(value) for value in values))

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values that `json.dumps` takes."""
        nested = {"encoder": self.encoder.to_json(), "decoder": self.decoder.to_json()}
        return {**_plain(self), **nested}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "VAEConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return _build(VAEConfig, values)


@final
@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained: with Adam, for whole epochs.

    Args:
        epochs: Integer >= 1, the budget. It decides on XLA; a trainer may stop before it.
        batch_size: Integer >= 1; lowered to the number of images where it exceeds them.
        learning_rate: Adam's, > 0.
        beta_warmup_epochs: Integer >= 0. Epoch e (from 1) trains at `beta * min(1, e / this)`.
        seed: Integer >= 0; fixes initial weights, order of the images and noise.

    Raises:
        ValueError: If a value is outside its range.
    """

    epochs: int
    batch_size: int = 100
    learning_rate: float = 1e-3
    beta_warmup_epochs: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        check_at_least(1, epochs=self.epochs, batch_size=self.batch_size)
        check_at_least(0, beta_warmup_epochs=self.beta_warmup_epochs, seed=self.seed)
        check_positive(learning_rate=self.learning_rate)

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values that `json.dumps` takes."""
        return _plain(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "TrainingConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return _build(TrainingConfig, values)
