"""Looking closely at models: those of a search, with what it measured, and exported ones."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from search.candidates import label
from search.config import StudyConfig
from search.errors import DataError, NotFoundError, SearchError, StudyConfigError
from search.models.params import own_sampler
from search.models.stored import check_folder, load_candidate
from search.models.vocabulary import sampled
from search.seeds import Purpose, derive_seed
from search.store import TrialStore
from search.trial import Trial
from vaemodels.analysis.comparison import ComparedModel, compare
from vaemodels.analysis.report import AnalysisReport, analyze
from vaemodels.analysis.subject import AnalysisImages, Subject
from vaemodels.config import LatentSamplerConfig
from vaemodels.data import Dataset, load_dataset
from vaemodels.inference import Inference
from vaemodels.io import load
from vaemodels.latents import FittedSampler
from vaemodels.latents.files import load_sampler

Progress = Callable[[str, int, int], None]
_SEED: Final = 0  # of an exported model, which belongs to no search


@final
@dataclass(frozen=True)
class TrainedModels:
    """Where the models of a search are, and what is needed to look at them.

    Attributes:
        name: Of the search.
        config: The study file.
        store: Of the search.
        dataset: Its images.
    """

    name: str
    config: StudyConfig
    store: TrialStore
    dataset: Dataset


@final
@dataclass(frozen=True)
class Wanted:
    """One model of a search.

    Attributes:
        trial: With its measurements.
        epoch: From `search.models.stored.chosen_epoch`.
        samplers: How latent vectors are drawn; empty: as the trial does.
    """

    trial: Trial
    epoch: int
    samplers: Sequence[LatentSamplerConfig] = ()

    @property
    def label(self) -> str:
        """Its name, as candidates are called."""
        return label(self.trial.number, self.epoch, ", ".join(map(str, self.samplers)))


def parse_samplers(texts: Sequence[str]) -> list[LatentSamplerConfig]:
    """Returns the latent samplers of texts such as "prior*100".

    Raises:
        StudyConfigError: If one is none.
    """
    try:
        return [LatentSamplerConfig.parse(text) for text in texts]
    except ValueError as error:
        raise StudyConfigError(str(error)) from error


def analyze_trial(
    models: TrainedModels, wanted: Wanted, out: Path, progress: Progress | None = None
) -> AnalysisReport:
    """Writes all analyses of a trial's model after an epoch, on the test images.

    Args:
        models: The search.
        wanted: Which model.
        out: A new or empty folder.
        progress: As in `vaemodels.analysis.report.analyze`.

    Raises:
        SearchError: If the weights are damaged, a latent sampler does not go with the model, or the
            folder holds something or cannot be written.
    """
    with _one_line():
        check_folder(out)
        subject = _subject(models, wanted)
        title = f"{models.name}: trial {wanted.trial.number} after epoch {wanted.epoch}"
        curve = quality_by_epoch(wanted.trial, _measured_under(models, wanted))
        return analyze(subject, out, name=title, quality_by_epoch=curve, progress=progress)


def analyze_model(
    folder: Path,
    code: Path | None,
    dataset: tuple[str, Path | None] | None,
    samplers: Sequence[LatentSamplerConfig],
    out: Path,
    progress: Progress | None = None,
) -> AnalysisReport:
    """Writes all analyses of an exported model; without a data set, those that need no images.

    Args:
        folder: With `config.json` and `weights.npz`.
        code: Folder of the user's modules from which parts of the model come; None to run none.
        dataset: Name or path of a data set, and the folder of its original files.
        samplers: How latent vectors are drawn; empty: as the folder says, else as the variant does.
        out: A new or empty folder.
        progress: As in `vaemodels.analysis.report.analyze`.

    Raises:
        DataError: If the images cannot be used.
        NotFoundError: If the folder holds no model.
        SearchError: As `analyze_trial`.
    """
    with _one_line(), contextlib.ExitStack() as stack:
        check_folder(out)
        images = None
        if dataset is not None:
            cache = stack.enter_context(tempfile.TemporaryDirectory(prefix="vaesearch-"))
            images = AnalysisImages.of(_images(*dataset, Path(cache)))
        vae = _model(folder, code)
        chosen = samplers or _own_samplers(folder, vae)
        subject = Subject(Inference(vae), images, chosen, _SEED)
        return analyze(subject, out, name=folder.resolve().name, progress=progress)


def compare_trials(
    models: TrainedModels, candidates: Sequence[Wanted], out: Path
) -> dict[str, dict[str, Any]]:
    """Draws models of a search row by row into a PNG.

    Args:
        models: The search.
        candidates: Which models.
        out: A PNG file.

    Returns:
        What the comparison says of each in numbers, by its label: value, standard error and number
        of samples.

    Raises:
        SearchError: As `analyze_trial`.
    """
    with _one_line():
        rows = [
            ComparedModel(
                wanted.label,
                _subject(models, wanted),
                quality_by_epoch(wanted.trial, _measured_under(models, wanted)),
                _by_epoch(wanted.trial, "loss"),
                wanted.epoch,
                models.config.measure.num_images,
            )
            for wanted in candidates
        ]
        numbers = compare(rows, out)
    return {
        name: {
            key: {
                "value": estimate.value,
                "standard_error": estimate.standard_error,
                "num_samples": estimate.num_samples,
            }
            for key, estimate in found.items()
        }
        for name, found in numbers.items()
    }


def quality_by_epoch(trial: Trial, sampler: str | None = "") -> list[tuple[int, float, float]]:
    """Returns (epoch, FID, TVD) of every epoch of a trial in which both were measured.

    Args:
        trial: With its measurements, on the validation images.
        sampler: The latent sampler that the images were drawn by, "" for the trial's own; None for
            one by which none were measured.
    """
    if sampler is None:
        return []
    fids, tvds = (dict(_by_epoch(trial, sampled(name, sampler))) for name in ("fid", "tvd"))
    return [(epoch, fid, tvds[epoch]) for epoch, fid in fids.items() if epoch in tvds]


def _measured_under(models: TrainedModels, wanted: Wanted) -> str | None:
    """Returns under which name the study has figures of a model's (first) latent sampler."""
    own = own_sampler(models.config.model_params(dict(wanted.trial.params)))
    first = next(iter(wanted.samplers), own)
    if first == own:
        return ""
    return str(first) if str(first) in models.config.measure.latent_samplers else None


def _by_epoch(trial: Trial, metric: str) -> list[tuple[int, float]]:
    found = trial.measurements
    return [(m.epoch, m.metrics[metric]) for m in found if metric in m.metrics]


def _subject(models: TrainedModels, wanted: Wanted) -> Subject:
    trial, config = wanted.trial, models.config
    model = load_candidate(models.store, models.dataset, trial.number, wanted.epoch)
    if model is None:
        raise NotFoundError(f"The store keeps no weights of {wanted.label}: was it moved?")
    samplers = wanted.samplers or [own_sampler(config.model_params(dict(trial.params)))]
    seed = derive_seed(config.seed, Purpose.REMEASURING)
    return Subject(model.inference, AnalysisImages.of(models.dataset), samplers, seed)


def _images(name: str, data_dir: Path | None, cache: Path) -> Dataset:
    try:
        return load_dataset(name, cache, data_dir)
    except (ValueError, OSError) as error:
        raise DataError(str(error)) from error


def _model(folder: Path, code: Path | None) -> Any:
    try:
        return load(folder, code)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"There is no model in {folder}: {Path(error.filename).name} is missing. "
            "`vaesearch export` writes such folders."
        ) from error


def _own_samplers(folder: Path, vae: Any) -> list[FittedSampler]:
    try:
        return [load_sampler(folder, vae)]
    except FileNotFoundError:  # written by `vaemodels.save`, which knows of no latent sampler
        return []


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """Turns refusals of the model's side into errors of ours."""
    try:
        yield
    except SearchError:  # some are ValueErrors and OSErrors as well
        raise
    except ValueError as error:
        raise SearchError(str(error)) from error
    except OSError as error:
        raise SearchError(f"Cannot write {error.filename}: {error.strerror}.") from error
