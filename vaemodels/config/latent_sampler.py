import dataclasses
import re
from typing import Final, final

from vaemodels.checks import check_at_least, check_one_of, check_positive, is_number, refuse

LATENT_SAMPLERS: Final = ("prior", "gaussian", "gaussian_mixture", "copula")
_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_TEXT: Final = re.compile(rf"(\w+?)(?:\*({_NUMBER}))?(?:([+-]{_NUMBER}))?")


@final
@dataclasses.dataclass(frozen=True)
class LatentSamplerConfig:
    """How latent vectors are drawn once a model is trained: `z = scale * draw + shift`.

    Args:
        kind: "prior", or a density fitted to codes of training images, drawn from their
            posteriors: "gaussian", "gaussian_mixture" (full covariances) or "copula" (Gaussian).
        scale: Factor > 0. Scales of 2 to 100 were found to sharpen images of blurry decoders.
        shift: Added to every latent, a finite number.
        num_components: Integer >= 1, of the mixture alone.

    Raises:
        ValueError: If a value is outside its range.
    """

    kind: str = "prior"
    scale: float = 1.0
    shift: float = 0.0
    num_components: int = 10

    def __post_init__(self) -> None:
        check_one_of(LATENT_SAMPLERS, kind=self.kind)
        check_positive(scale=self.scale)
        if not is_number(self.shift):
            raise refuse("shift", "a finite number", self.shift)
        check_at_least(1, num_components=self.num_components)

    def __str__(self) -> str:
        scale = f"*{_exact(self.scale)}" if self.scale != 1 else ""
        sign = "+" if self.shift > 0 else ""
        shift = f"{sign}{_exact(self.shift)}" if self.shift else ""
        return f"{self.kind}{scale}{shift}"

    @staticmethod
    def parse(text: str) -> "LatentSamplerConfig":
        """Returns the config that `str` writes, e.g. "prior", "prior*100" or "gaussian+2".

        Raises:
            ValueError: If it is none.
        """
        match = _TEXT.fullmatch(text.replace(" ", "")) if isinstance(text, str) else None
        if match is None or match[1] not in LATENT_SAMPLERS:
            kinds = ", ".join(LATENT_SAMPLERS)
            raise refuse("latent_sampler", f"{kinds}, or like 'prior*100' or 'prior+2'", text)
        return LatentSamplerConfig(match[1], float(match[2] or 1), float(match[3] or 0))


def _exact(value: float) -> str:
    """Returns the shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")
