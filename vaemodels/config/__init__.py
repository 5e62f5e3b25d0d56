"""Descriptions of a model and of its training in plain values, with a JSON round trip."""

from vaemodels.config.backbone import BackboneConfig as BackboneConfig
from vaemodels.config.backbone import StockConfig as StockConfig
from vaemodels.config.backbone import check_decoder as check_decoder
from vaemodels.config.conv import ConvConfig as ConvConfig
from vaemodels.config.dense import DenseConfig as DenseConfig
from vaemodels.config.hybrid import HybridConfig as HybridConfig
from vaemodels.config.latent_sampler import LatentSamplerConfig as LatentSamplerConfig
from vaemodels.config.model import VAEConfig as VAEConfig
from vaemodels.config.own import OwnConfig as OwnConfig
from vaemodels.config.recurrent import RecurrentConfig as RecurrentConfig
from vaemodels.config.training import TrainingConfig as TrainingConfig
from vaemodels.config.variants import VARIANTS as VARIANTS
