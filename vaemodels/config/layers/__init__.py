"""The layers that a hybrid backbone is listed from, as plain values."""

from vaemodels.config.layers.base import AbstractLayer as AbstractLayer
from vaemodels.config.layers.base import LayerShape as LayerShape
from vaemodels.config.layers.conv import AbstractConvLayer as AbstractConvLayer
from vaemodels.config.layers.conv import ConvLayer as ConvLayer
from vaemodels.config.layers.conv import ConvTransposeLayer as ConvTransposeLayer
from vaemodels.config.layers.dense import DenseLayer as DenseLayer
from vaemodels.config.layers.dropout import DropoutLayer as DropoutLayer
from vaemodels.config.layers.pool import AbstractPoolLayer as AbstractPoolLayer
from vaemodels.config.layers.pool import AveragePoolLayer as AveragePoolLayer
from vaemodels.config.layers.pool import MaxPoolLayer as MaxPoolLayer
from vaemodels.config.layers.reshape import ReshapeLayer as ReshapeLayer
from vaemodels.config.layers.up_sample import UpSampleLayer as UpSampleLayer
