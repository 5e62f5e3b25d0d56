"""Encoders: from images to the features from which a posterior takes its parameters."""

from vaemodels.encoders.base import AbstractEncoder as AbstractEncoder
from vaemodels.encoders.conv import ConvEncoder as ConvEncoder
from vaemodels.encoders.dense import DenseEncoder as DenseEncoder
from vaemodels.encoders.hybrid import HybridEncoder as HybridEncoder
from vaemodels.encoders.own import OwnEncoder as OwnEncoder
from vaemodels.encoders.recurrent import RecurrentEncoder as RecurrentEncoder
