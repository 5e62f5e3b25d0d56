"""What measuring a trial costs: 10,000 images generated, classified and scored, on one core.

    python -m benchmarks metrics [--data-dir FOLDER] [--quick]

The thesis' dense VAE on MNIST (the four IDX files in FOLDER; without them, random images of the
same shape), judged by the extractor that a search would use, with untrained weights, which cost the
same. The reference statistics are at hand. `whole` is all that a trial measures, losses and latent
space of the validation images included. Seconds, median [quartiles], one thread.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.measuring import in_turns, machine, one_thread, seconds_of, spread, table

DENSE = tuple(range(175, 0, -25))
NUM_IMAGES = 10_000


def dataset_of(data_dir: Path | None, cache: Path) -> Any:
    """Returns MNIST, or random images of its shape."""
    import numpy as np

    from vaemodels.data import load_dataset

    if data_dir is not None:
        return load_dataset("mnist", cache, data_dir)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20_000, 28, 28), dtype=np.uint8)
    np.savez(cache / "random.npz", images=images, labels=np.arange(20_000) % 10)
    return load_dataset(str(cache / "random.npz"), cache)


def actions_of(dataset: Any) -> dict[str, Callable[[], object]]:
    """Returns what is timed, by name; everything is compiled already."""
    from search.config import StudyConfig
    from search.models.measuring import Measurer
    from search.models.params import own_sampler
    from vaemodels import DenseConfig, Trainer, TrainingConfig, VAEConfig, base_noise
    from vaemodels.metrics.extractor import untrained_extractor
    from vaemodels.metrics.image_quality import ImageQuality

    halves = {"encoder": DenseConfig(DENSE), "decoder": DenseConfig(DENSE[::-1])}
    config = VAEConfig(dataset.image_shape, 5, beta=0.2, **halves)
    training = TrainingConfig(1, batch_size=100)
    trainer = Trainer(config, training, dataset.train.images, dataset.scale)
    trainer.run_epoch()
    judge = ImageQuality(untrained_extractor(dataset), dataset.validation, dataset.scale)
    noise = base_noise("normal", 0, NUM_IMAGES, 5)
    space = {"beta": {"type": "float", "low": 0.1, "high": 1.0}}
    study = StudyConfig.model_validate({"name": "metrics", "dataset": "mnist", "space": space})
    measurer = Measurer(study, dataset, dataset.validation, judge, seed=0)
    images = trainer.generate(noise)

    def scored() -> None:
        judge.measure(trainer.generate(noise, trainer.latent_sampler()))

    actions: dict[str, Callable[[], object]] = {
        "generating": lambda: trainer.generate(noise),
        "classifying": lambda: judge.extractor.features(images),
        "generating, classifying, scoring": scored,
        "whole": lambda: measurer.measure(trainer, own_sampler({})),
    }
    for action in actions.values():
        action()
    return actions


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks metrics", description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with MNIST's four IDX files")
    parser.add_argument("--quick", action="store_true", help="three rounds")
    options = parser.parse_args(arguments)
    one_thread()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        actions = actions_of(dataset_of(options.data_dir, Path(folder)))
        timed = [lambda action=action: seconds_of(action) for action in actions.values()]
        found = in_turns(timed, 3 if options.quick else 15)
    print()
    rows = [[name, spread(times, 3)] for name, times in zip(actions, found, strict=True)]
    print(table([f"{NUM_IMAGES:,} images of 28x28", "seconds"], rows))


if __name__ == "__main__":
    main()
