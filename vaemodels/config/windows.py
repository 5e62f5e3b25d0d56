"""Arithmetic of sliding windows and of the weights of a unit."""

import math


def window_steps(size: int, window: int, stride: int, padding: str) -> int:
    """Returns the side length after a convolution or pooling; below 1 if it does not fit."""
    if padding == "same":
        return math.ceil(size / stride)
    return (size - window) // stride + 1 if size >= window else 0


def transposed_size(size: int, window: int, stride: int, padding: str) -> int:
    """Returns the side length after a transposed convolution."""
    return size * stride + (max(window - stride, 0) if padding == "valid" else 0)


def weights_besides_kernel(batch_norm: bool) -> int:
    """Returns the weights per unit: a bias, or scale, shift and two moving averages."""
    return 4 if batch_norm else 1
