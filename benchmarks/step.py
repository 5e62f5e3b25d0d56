"""Training steps per second of our trainer and of Keras's `fit`, on one core.

    python -m benchmarks step [--quick]

The dense model is the thesis' (784-175-150-125-100-75-50-25-5 and mirrored), at batch 100. `rate`
is that of the step's own matrix products, forward and backward, one after another in one TensorFlow
function, and `large` that of 1024 x 1024 matrices. Convolutional models have filters and strides of
2 in the encoder, the same mirrored in the decoder, batch 100 (64 on images of 8x8). All in turns,
with one thread; medians [quartiles] over the rounds. `fit` is Keras's, as a user would write it
(benchmarks/stock/vae.py), without XLA; what XLA makes of either is shown beside it.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.support.measuring import in_turns, machine, one_thread, ratios, spread, table

DENSE = tuple(range(175, 0, -25))
LATENT_DIM, BATCH = 5, 100
CONVS = {
    "28x28, filters 32-64": (28, (32, 64), 100),
    "28x28, filters 16-32": (28, (16, 32), 100),
    "28x28, filters 8-16": (28, (8, 16), 100),
    "8x8, filters 32-64": (8, (32, 64), 64),
}


def images_of(side: int, count: int) -> Any:
    """Returns random uint8 images; what they show does not matter here."""
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (count, side, side, 1), dtype=np.uint8)


def fitted(vae: Any, images: Any, batch: int) -> Callable[[], float]:
    """Returns a function that fits for an epoch and returns steps per second."""
    scaled = images.astype("float32") / 255

    def run() -> float:
        start = time.perf_counter()
        vae.fit(scaled, batch_size=batch, epochs=1, verbose=0)
        return len(images) // batch / (time.perf_counter() - start)

    run()  # traces, compiles
    return run


def trained(halves: dict[str, Any], images: Any, batch: int, jit: bool = False) -> Any:
    """Returns the same of our trainer."""
    from vaemodels import Trainer, TrainingConfig, VAEConfig
    from vaemodels.training import trainer as module

    chosen = module.pays_to_compile
    module.pays_to_compile = lambda *_: jit  # what the trainer would choose is said beside it
    try:
        config = VAEConfig(images.shape[1:], LATENT_DIM, **halves)
        trainer = Trainer(config, TrainingConfig(10**6, batch_size=batch), images, 255.0)
        trainer.run_epoch()
    finally:
        module.pays_to_compile = chosen

    def run() -> float:
        before = trainer.train_seconds
        trainer.run_epoch()
        return trainer.steps_per_epoch / (trainer.train_seconds - before)

    return run


def products(widths: Sequence[int]) -> list[tuple[int, int, int, bool, bool]]:
    """Returns the matrix products of a step: rows, inner, columns, which one is transposed."""
    found = []
    chains = [784, *widths, LATENT_DIM], [LATENT_DIM, *reversed(widths), 784]
    for chain in chains:
        for inputs, outputs in itertools.pairwise(chain):
            found.append((BATCH, inputs, outputs, False, False))
            found.append((inputs, BATCH, outputs, True, False))
            if inputs != 784:  # nobody needs the slope of the images
                found.append((BATCH, outputs, inputs, False, True))
    return found


def flops(shapes: Sequence[tuple[int, int, int, bool, bool]]) -> float:
    """Returns the multiplications and additions of products."""
    return float(sum(2 * rows * inner * columns for rows, inner, columns, *_ in shapes))


def matrix_rate(shapes: Sequence[tuple[int, int, int, bool, bool]]) -> Callable[[], float]:
    """Returns a function that measures 10**9 operations per second of products in float32."""
    import tensorflow as tf

    random = tf.random.Generator.from_seed(0)
    pairs = [
        (
            tf.Variable(random.normal((inner, rows) if left else (rows, inner))),
            tf.Variable(random.normal((columns, inner) if right else (inner, columns))),
        )
        for rows, inner, columns, left, right in shapes
    ]
    repeats = max(1, int(2e10 / flops(shapes)))

    def once(_: Any, total: Any) -> Any:
        for (one, other), (*_, left, right) in zip(pairs, shapes, strict=True):
            # Read anew in every turn: else TensorFlow would multiply once for all.
            found = tf.matmul(one.read_value(), other.read_value(), left, right)
            total += found[0, 0]
        one.assign_add(tf.zeros_like(one))
        return total

    @tf.function(autograph=False)
    def run() -> Any:
        def body(turn: Any, total: Any) -> tuple[Any, Any]:
            return turn + 1, once(turn, total)

        return tf.while_loop(lambda turn, _: turn < repeats, body, (0, 0.0))[1]

    def rate() -> float:
        start = time.perf_counter()
        run().numpy()
        return flops(shapes) * repeats / (time.perf_counter() - start) / 1e9

    rate()
    return rate


def dense(rounds: int) -> None:
    """Measures and prints the dense model."""
    from benchmarks.stock.vae import dense_vae
    from vaemodels import DenseConfig

    images, shapes = images_of(28, 10_000), products(DENSE)
    halves = {"encoder": DenseConfig(DENSE), "decoder": DenseConfig(DENSE[::-1])}
    jitted = dense_vae(DENSE, LATENT_DIM, 1.0, 1e-3)
    jitted.compile(optimizer=jitted.optimizer, jit_compile=True)
    actions = [
        trained(halves, images, BATCH),
        fitted(dense_vae(DENSE, LATENT_DIM, 1.0, 1e-3), images, BATCH),
        trained(halves, images, BATCH, jit=True),
        fitted(jitted, images, BATCH),
        matrix_rate(shapes),
        matrix_rate([(1024, 1024, 1024, False, False)]),
    ]
    ours, fit, our_xla, fit_xla, rate, large = in_turns(actions, rounds)
    used, plain = ([steps * flops(shapes) / 1e9 for steps in found] for found in (our_xla, ours))
    rows = [
        ["steps/s, ours with XLA (from 10,000 steps on)", spread(our_xla, 0)],
        ["steps/s, ours without", spread(ours, 0)],
        ["steps/s, fit", spread(fit, 0)],
        ["steps/s, fit with XLA", spread(fit_xla, 0)],
        ["ours with XLA / fit", spread(ratios(our_xla, fit))],
        ["ours without / fit", spread(ratios(ours, fit))],
        [
            "ours with XLA / fit with it",
            spread(ratios(our_xla, fit_xla)),
        ],
        ["share of `rate`", spread(ratios(used, rate))],
        ["share of `rate`, without XLA", spread(ratios(plain, rate))],
        ["share of `large`", spread(ratios(used, large))],
        ["`rate`, GFLOP/s", spread(rate, 0)],
        ["`large`, GFLOP/s", spread(large, 0)],
    ]
    print(table(["dense, the thesis'", f"median [quartiles] of {rounds}"], rows), flush=True)


def conv(rounds: int, names: Sequence[str]) -> None:
    """Measures and prints convolutional models."""
    from benchmarks.stock.vae import conv_vae
    from vaemodels import ConvConfig

    rows = []
    for name in names:
        side, filters, batch = CONVS[name]
        images = images_of(side, 2_000)
        halves = {"encoder": ConvConfig(filters), "decoder": ConvConfig(filters[::-1])}
        vae = conv_vae(side, filters, LATENT_DIM)
        vae.compile(optimizer=vae.optimizer, jit_compile=False)
        ours, fit = in_turns([trained(halves, images, batch), fitted(vae, images, batch)], rounds)
        rows.append([name, spread(ours, 1), spread(fit, 1), spread(ratios(ours, fit))])
    print()
    print(table(["convolutional", "steps/s, ours", "steps/s, fit", "ours / fit"], rows), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints two tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks step", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds, one convolution")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)
    one_thread()
    print(machine())
    print()
    dense(2 if options.quick else options.rounds)
    conv(2 if options.quick else options.rounds, list(CONVS)[-1:] if options.quick else list(CONVS))


if __name__ == "__main__":
    main()
