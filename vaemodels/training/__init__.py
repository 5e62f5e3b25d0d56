"""Training: compiled chunks of an epoch, with a state that can be saved and restored exactly."""

from vaemodels.training.model_cache import ModelCache as ModelCache
from vaemodels.training.trainer import Trainer as Trainer
