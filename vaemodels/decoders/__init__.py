"""Decoders: from a latent vector to the parameters of the likelihood of an image."""

from vaemodels.decoders.base import AbstractDecoder as AbstractDecoder
from vaemodels.decoders.conv import ConvDecoder as ConvDecoder
from vaemodels.decoders.dense import DenseDecoder as DenseDecoder
from vaemodels.decoders.hybrid import HybridDecoder as HybridDecoder
from vaemodels.decoders.own import OwnDecoder as OwnDecoder
from vaemodels.decoders.recurrent import RecurrentDecoder as RecurrentDecoder
