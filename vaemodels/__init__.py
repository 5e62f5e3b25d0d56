"""Variational autoencoders: their parts, their training, and the metrics that judge them.

Names are loaded on first use, so that reading a config does not import TensorFlow (seconds).
"""

import importlib
from typing import TYPE_CHECKING, Any

from vaemodels.config import ConvConfig as ConvConfig
from vaemodels.config import DenseConfig as DenseConfig
from vaemodels.config import HybridConfig as HybridConfig
from vaemodels.config import RecurrentConfig as RecurrentConfig
from vaemodels.config import TrainingConfig as TrainingConfig
from vaemodels.config import VAEConfig as VAEConfig
from vaemodels.counts import count_parameters as count_parameters
from vaemodels.noise import base_noise as base_noise

if TYPE_CHECKING:
    from vaemodels.building import build as build
    from vaemodels.io import load as load
    from vaemodels.io import save as save
    from vaemodels.latents.files import load_sampler as load_sampler
    from vaemodels.training import Trainer as Trainer
    from vaemodels.vae import VAE as VAE

_LAZY = {
    "VAE": "vaemodels.vae",
    "Trainer": "vaemodels.training",
    "build": "vaemodels.building",
    "load": "vaemodels.io",
    "load_sampler": "vaemodels.latents.files",
    "save": "vaemodels.io",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
