import dataclasses
from collections.abc import Mapping
from typing import Any, final

from vaemodels.checks import refuse
from vaemodels.config.plain import from_plain, plain
from vaemodels.own import is_own


@final
@dataclasses.dataclass(frozen=True)
class OwnConfig:
    """An encoder or a decoder from a function of the user's.

    Args:
        function: Its name, `module:function`. An encoder's is called as `f(image_shape, ...)`, a
            decoder's as `f(latent_dim, image_shape, ...)`, with those of the model's own options
            that it has arguments for; each returns a Keras layer or model.

    Raises:
        ValueError: If it is no such name.
    """

    function: str

    def __post_init__(self) -> None:
        if not is_own(self.function):
            raise refuse("function", "a name such as my_parts:encoder", self.function)

    def to_json(self) -> dict[str, Any]:
        """Returns the config as plain values, with its `kind`."""
        return {"kind": "own", **plain(self)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "OwnConfig":
        """Returns the config of `to_json`; an unknown key raises `ValueError`."""
        return from_plain(OwnConfig, {k: v for k, v in values.items() if k != "kind"})
