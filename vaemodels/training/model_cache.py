"""Models with what was compiled for them, kept for later trainings of the same architecture."""

import collections
import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any, Final, final

import tensorflow as tf

from vaemodels.building import build
from vaemodels.config import VAEConfig
from vaemodels.inference import Inference
from vaemodels.training.adam import Adam
from vaemodels.vae import VAE

_MOST: Final = 8
_MOST_BYTES: Final = 64 * 2**20  # of their variables: eight dense models of the thesis take 46 MB


@final
@dataclasses.dataclass(eq=False)
class PreparedModel:
    """A model at the beginning of a training.

    Attributes:
        vae: With its initial weights.
        adam: The optimizer of its trainable variables, before its first step.
        inference: The model at work.
        functions: What was compiled for its training, by a key of the trainer's.
        is_reused: Whether it was trained before.
    """

    vae: VAE
    adam: Adam
    inference: Inference
    functions: dict[Any, Callable[..., Any]] = dataclasses.field(default_factory=dict)
    is_reused: bool = False

    @classmethod
    def new(cls, config: VAEConfig, seed: int) -> "PreparedModel":
        """Returns the model of a config, its initial weights drawn from a seed."""
        vae = build(config, seed)
        return cls(vae, Adam(vae.trainable_variables), Inference(vae))

    @property
    def num_bytes(self) -> int:
        """What its variables take, the optimizer's included."""
        return sum(4 * math.prod(v.shape) for v in (*self.vae.variables, *self.adam.slots))

    def begin_anew(self, config: VAEConfig, seed: int) -> None:
        """Goes to where `new` would begin; config and own may differ in what is no architecture."""
        fresh = build(config, seed)
        for variable, value in zip(self.vae.variables, fresh.variables, strict=True):
            variable.assign(value)
        for slot in self.adam.slots:
            slot.assign(tf.zeros_like(slot))
        self.vae = self.inference.vae = self.vae.with_config(config)
        self.is_reused = True


@final
class ModelCache:
    """Lends models to trainings, each to one at a time.

    A training of an architecture that was trained before in this process finds all that was
    compiled for it, and computes exactly what it would have computed otherwise. Models with parts
    of the user's are not kept: what they draw from their seed may be more than weights.

    Args:
        most: How many models are kept; those that were used last stay.
        most_bytes: What their variables may take in all.

    Attributes:
        num_hits: How often a model was there.
        num_misses: How often it was not.
    """

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES):
        self._most, self._most_bytes = most, most_bytes
        self._kept: collections.OrderedDict[str, PreparedModel] = collections.OrderedDict()
        self.num_hits = self.num_misses = 0

    def borrow(self, config: VAEConfig, seed: int) -> PreparedModel:
        """Returns a model for one training, which gives it back when it is over."""
        model = self._kept.pop(_architecture(config), None)
        if model is None:
            self.num_misses += 1
            return PreparedModel.new(config, seed)
        self.num_hits += 1
        model.begin_anew(config, seed)
        return model

    def give_back(self, model: PreparedModel) -> None:
        """Takes a model back; nobody else may use it from now on."""
        if model.vae.config.own_parts:
            return
        self._kept[_architecture(model.vae.config)] = model
        while len(self._kept) > self._most or self._num_bytes > self._most_bytes:
            self._kept.popitem(last=False)

    @property
    def _num_bytes(self) -> int:
        return sum(model.num_bytes for model in self._kept.values())


def _architecture(config: VAEConfig) -> str:
    """Returns what compiled functions depend on: all but beta, which they are told."""
    values = {key: value for key, value in config.to_json().items() if key != "beta"}
    return json.dumps(values, sort_keys=True)
