"""Recurrent layers that encoders and decoders share."""

from collections.abc import Iterator

import keras

from vaemodels.config import RecurrentConfig
from vaemodels.layers import activation_function, dropout, initializer

_CELLS = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def recurrent_stack(
    config: RecurrentConfig, seeds: Iterator[int], *, return_sequences: bool
) -> list[keras.layers.Layer]:
    """Returns the recurrent layers of a config, dropout after each.

    Loops, not unrolled: 28 rows, 128 units, batch 100 on one core took 17.5 steps/s (GRU) and 16.3
    (LSTM) looped, 18.6 and 17.5 unrolled, whose graph took 3 s and 1 s longer to make and grows
    with the height. Unrolled layers would also lose cuDNN's kernels on a GPU.

    Args:
        config: Cell, units, activation, dropout.
        seeds: Three are taken per layer, one more with dropout.
        return_sequences: Whether the last layer returns its states at all steps or its last one.
    """
    layers: list[keras.layers.Layer] = []
    for number, units in enumerate(config.units, start=1):
        layer = _CELLS[config.cell](
            units,
            activation=activation_function(config.activation),
            kernel_initializer=initializer(seeds),
            recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds) % 2**31),
            return_sequences=return_sequences or number < len(config.units),
            seed=next(seeds) % 2**31,  # of a random state that is stored, though never used
        )
        layers += [layer, *dropout(config.dropout, seeds)]
    return layers
