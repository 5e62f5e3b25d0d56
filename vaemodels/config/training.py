import dataclasses
from collections.abc import Mapping
from typing import Any, final

from vaemodels.checks import check_at_least, check_one_of, check_positive, refuse
from vaemodels.config.plain import from_plain, plain


@final
@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained: with Adam, for whole epochs.

    Args:
        epochs: Integer >= 1, the budget. It decides on XLA; a trainer may stop before it.
        batch_size: Integer >= 1; lowered to the number of images where it exceeds them.
        learning_rate: Adam's, > 0.
        beta_warmup_epochs: Integer >= 0. Epoch e (from 1) trains at `beta * min(1, e / this)`.
        beta_cycle_epochs: Integer >= 0, in place of a warm-up: in every cycle of so many epochs
            beta rises from 0 over the first half and stays for the second (Fu et al., 2019,
            https://arxiv.org/abs/1903.10145).
        noise: "fresh" in every step for every image, or "constant": one draw for all images and
            steps, as in the 2023 thesis, whose models are autoencoders for it. For reproduction.
        order: "shuffled" in every epoch, or "file". For reproduction.
        seed: Integer >= 0; fixes initial weights, order of the images and noise.

    Raises:
        ValueError: If a value is outside its range.
    """

    epochs: int
    batch_size: int = 100
    learning_rate: float = 1e-3
    beta_warmup_epochs: int = 0
    seed: int = 0
    beta_cycle_epochs: int = 0
    noise: str = "fresh"
    order: str = "shuffled"

    def __post_init__(self) -> None:
        check_at_least(1, epochs=self.epochs, batch_size=self.batch_size)
        check_at_least(0, beta_warmup_epochs=self.beta_warmup_epochs, seed=self.seed)
        check_at_least(0, beta_cycle_epochs=self.beta_cycle_epochs)
        check_positive(learning_rate=self.learning_rate)
        check_one_of(("fresh", "constant"), noise=self.noise)
        check_one_of(("shuffled", "file"), order=self.order)
        if self.beta_cycle_epochs and self.beta_warmup_epochs:
            advice = "Each cycle warms up by itself: set one of the two."
            raise refuse("beta_cycle_epochs", "0 with a warm-up", self.beta_cycle_epochs, advice)

    def beta_factor(self, epoch: int) -> float:
        """Returns the share of beta in training epoch `epoch`, counted from 1."""
        if self.beta_warmup_epochs:
            return min(1.0, epoch / self.beta_warmup_epochs)
        if self.beta_cycle_epochs:
            position = (epoch - 1) % self.beta_cycle_epochs + 1
            return min(1.0, 2 * position / self.beta_cycle_epochs)
        return 1.0

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values that `json.dumps` takes."""
        return plain(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "TrainingConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return from_plain(TrainingConfig, values)
