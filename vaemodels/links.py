"""Links: from the variable `u` of posterior and prior to the latent vector `z` of the decoder."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from keras import ops

from vaemodels.layers import Tensor


@final
@dataclass(frozen=True)
class Link:
    """A map from `u` to `z`.

    Densities are over `u`, in which nothing underflows. Ex-post samplers are fitted to real
    coordinates of `u`, which are log-ratios of the weights where `z` is a simplex.

    Args:
        num_dims: From the length of `z` to that of `u`.
        forward: `u` to `z`.
        to_real: `u` to real coordinates that are free of each other.
        from_real: Back.
    """

    num_dims: Callable[[int], int]
    forward: Callable[[Tensor], Tensor]
    to_real: Callable[[Tensor], Tensor]
    from_real: Callable[[Tensor], Tensor]

    def __call__(self, u: Tensor) -> Tensor:
        return self.forward(u)


def _identity(u: Tensor) -> Tensor:
    return u


def log_sticks(u: Tensor) -> tuple[Tensor, Tensor]:
    """Returns `log v` and `log(1 - v)` of stick fractions `v = sigmoid(u)`, exact in both tails."""
    return -ops.softplus(-u), -ops.softplus(u)


def _stick_breaking(u: Tensor) -> Tensor:
    """Returns `pi_k = v_k * prod_{j<k}(1 - v_j)`, the last weight taking the rest of the stick."""
    log_v, log_rest = log_sticks(u)
    left = ops.cumsum(log_rest, axis=-1)
    before = left - log_rest
    return ops.exp(ops.concatenate([log_v + before, left[..., -1:]], axis=-1))


def _to_log_ratios(u: Tensor) -> Tensor:
    return u[..., :-1] - u[..., -1:]


def _from_log_ratios(ratios: Tensor) -> Tensor:
    return ops.log_softmax(ops.concatenate([ratios, 0.0 * ratios[..., :1]], axis=-1))


def _same(latent_dim: int) -> int:
    return latent_dim


# "sticks": u are the logits of stick fractions, one fewer than weights.
# "log_simplex": u are the logarithms of the weights.
LINKS: Final = {
    "identity": Link(_same, _identity, _identity, _identity),
    "softmax": Link(_same, ops.softmax, _identity, _identity),
    "sticks": Link(lambda latent_dim: latent_dim - 1, _stick_breaking, _identity, _identity),
    "log_simplex": Link(_same, ops.exp, _to_log_ratios, _from_log_ratios),
}
