"""The corners of a space, as models: whether they are possible, and how large. Needs no Keras."""

import itertools
from typing import Final

from search.config import StudyConfig
from search.errors import StudyConfigError
from search.grid import corner_points
from search.models.params import model_config, training_config
from search.trial import Params
from vaemodels.config import VAEConfig
from vaemodels.sizes import count_parameters

_MOST_CORNERS: Final = 4096


def corner_models(
    config: StudyConfig, image_shape: tuple[int, int, int]
) -> list[tuple[int, Params]]:
    """Returns (number of parameters, params) of models at the corners of a study's space.

    Every number at its low end, and at its high end, beside every combination of choices; of very
    many, the first thousands.

    Raises:
        StudyConfigError: If one of them is no possible model; the message says which and why.
    """
    corners = corner_points(config.parameters, config.fixed)
    models = []
    for point in itertools.islice(corners, _MOST_CORNERS):
        try:
            params = config.model_params(point)
            training_config(params, config.budget.epochs, seed=0)
            model = model_config(params, image_shape)
            _check_has_objectives(config, model)
            models.append((count_parameters(model), point))
        except (StudyConfigError, ValueError) as error:
            shown = ", ".join(f"{name}={value!r}" for name, value in point.items())
            raise StudyConfigError(
                f"The space holds an impossible model, {shown}: {error}"
            ) from error
    return models


def _check_has_objectives(config: StudyConfig, model: VAEConfig) -> None:
    absent = {"kl_loss", "elbo"} & set(config.objectives)
    if model.variant == "ae" and absent:
        raise StudyConfigError(
            f"an autoencoder (`variant: ae`) has no {sorted(absent)[0]}; drop the objective or "
            "the variant"
        )
