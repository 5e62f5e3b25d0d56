"""Variational autoencoders: their parts, their training, and the metrics that judge them.

Names are loaded on first use, so that reading a config does not import TensorFlow (seconds).
"""

import importlib
from typing import TYPE_CHECKING, Any

from vaemodels.config import ConvConfig as ConvConfig
from vaemodels.config import DenseConfig as DenseConfig
from vaemodels.config import TrainingConfig as TrainingConfig
from vaemodels.config import VAEConfig as VAEConfig
from vaemodels.noise import base_noise as base_noise
from vaemodels.sizes import count_parameters as count_parameters

if TYPE_CHECKING:
    from vaemodels.build import build_vae as build_vae
    from vaemodels.io import load as load
    from vaemodels.io import save as save
    from vaemodels.training import Trainer as Trainer
    from vaemodels.vae import VAE as VAE

_LAZY = {
    "VAE": "vaemodels.vae",
    "Trainer": "vaemodels.training",
    "build_vae": "vaemodels.build",
    "load": "vaemodels.io",
    "save": "vaemodels.io",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
