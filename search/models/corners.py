"""The corners of a space, as models: whether they are possible, and how large. Needs no Keras."""

import itertools
from typing import Final

from search.config import StudyConfig
from search.errors import StudyConfigError
from search.grid import corner_points
from search.models.backbones import ignored
from search.models.counting import ImpossibleModelError, count_built
from search.models.params import model_config, own_sampler, training_config
from search.trial import Params
from vaemodels.config import LatentSamplerConfig, VAEConfig
from vaemodels.config.variants import SIMPLEX_LINKS
from vaemodels.counts import count_parameters

_MOST_CORNERS: Final = 4096
_MOST_BUILT: Final = 64  # of those that can only be counted by building them
_LIKELIHOODS: Final = frozenset({"kl_loss", "elbo", "log_likelihood", "active_units"})


def corner_models(
    config: StudyConfig, image_shape: tuple[int, int, int]
) -> list[tuple[int, Params]]:
    """Returns (number of parameters, params) of models at the corners of a study's space.

    Every number at its low end, and at its high end, beside every combination of choices; of very
    many, the first thousands.

    Raises:
        StudyConfigError: If one of them is no possible model, or a latent sampler is none; the
            message says which and why.
    """
    compared = _compared_samplers(config)
    corners = corner_points(config.parameters, config.fixed)
    sized, built = [], []
    for point in itertools.islice(corners, _MOST_CORNERS):
        try:
            params = config.model_params(point)
            training_config(params, config.budget.epochs, seed=0)
            model = model_config(params, image_shape)
            _check_has_objectives(config, model)
            _check_samplers([own_sampler(params), *compared], model)
            if model.own_parts:
                built.append((model, point))
            else:
                sized.append((count_parameters(model), point))
        except (StudyConfigError, ValueError) as error:
            raise _impossible(point, error) from error
    return sized + _built(built)


def refuse_ignored(config: StudyConfig) -> None:
    """Refuses params that change no model of the space.

    Raises:
        StudyConfigError: If functions of the user's make every encoder or decoder that one is
            about.
    """
    all_ignored: set[str] = set()
    used: set[str] = set()
    for point in itertools.islice(corner_points(config.parameters, config.fixed), _MOST_CORNERS):
        params = config.model_params(point)
        all_ignored |= ignored(params)
        used |= params.keys() - ignored(params)
    for name in sorted(all_ignored - used):
        raise StudyConfigError(
            f"`{name}` means nothing where your own functions make encoder and decoder; leave it "
            f"out, or give one of them an argument {name} and set `own.{name}`."
        )


def _built(models: list[tuple[VAEConfig, Params]]) -> list[tuple[int, Params]]:
    """Returns the sizes of models with parts of the user's own, of so many evenly chosen."""
    step = max(1, -(-len(models) // _MOST_BUILT))
    chosen = models[::step]
    if not chosen:
        return []
    try:
        counts = count_built([model for model, _ in chosen])
    except ImpossibleModelError as error:
        raise _impossible(chosen[error.index][1], error) from error
    return [(count, point) for count, (_, point) in zip(counts, chosen, strict=True)]


def _impossible(point: Params, error: Exception) -> StudyConfigError:
    shown = ", ".join(f"{name}={value!r}" for name, value in point.items())
    return StudyConfigError(f"The space holds an impossible model, {shown}: {error}")


def _check_has_objectives(config: StudyConfig, model: VAEConfig) -> None:
    absent = _LIKELIHOODS & set(config.objectives)
    if model.posterior_name == "point" and absent:
        raise StudyConfigError(
            f"an autoencoder (`variant: {model.variant}`) has no {sorted(absent)[0]}; drop the "
            "objective or the variant"
        )


def _compared_samplers(config: StudyConfig) -> list[LatentSamplerConfig]:
    """Returns the latent samplers that the study compares beside a trial's own."""
    samplers = []
    for text in config.measure.latent_samplers:
        try:
            samplers.append(LatentSamplerConfig.parse(text))
        except ValueError as error:
            raise StudyConfigError(f"`measure: latent_samplers`: {error}") from error
        if str(samplers[-1]) != text:
            raise StudyConfigError(f"`measure: latent_samplers`: write {text!r} as {samplers[-1]}")
    if len(set(samplers)) < len(samplers):
        raise StudyConfigError("`measure: latent_samplers` names one of them twice; drop one")
    return samplers


def _check_samplers(samplers: list[LatentSamplerConfig], model: VAEConfig) -> None:
    moved = [str(s) for s in samplers if s.scale != 1 or s.shift != 0]
    if moved and model.link_name in SIMPLEX_LINKS:
        raise StudyConfigError(
            f"the latent vectors of `variant: {model.variant}` are weights that sum to 1, and "
            f"{moved[0]} would not leave them so; drop the one or the other"
        )
