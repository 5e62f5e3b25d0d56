"""Obtained figures beside published ones, as a table for a document.

    python -m benchmarks reproduce --data-dir FOLDER [PRESET ...] [--quick]

FOLDER has MNIST's four IDX files. Without presets: the dense models, about ten minutes on one core;
with `--quick` what needs no images.
One line per figure of the last epoch; `vaesearch reproduce` shows the others too.

Obtained with the first 22,699 of MNIST's 60,000 training images, the whole test set, seed 0, one
run each; after a `!` what lies outside of its tolerance:

| preset | training images | obtained (published) |
|---|---|---|
| t001/vae | 18,915 of 50,000 | validation loss !116.34 (111.77), KL 17.73 (18.24) |
| t001/ae | 18,915 of 50,000 | validation loss !89.49 (84.74), silhouette .134 (.148) |
| t003/A | 22,699 of 60,000 | negative ELBO 714.8 (719.1); linear optimum 712.27 (712.28) |
| t003/B | 22,699 of 60,000 | negative ELBO !661.9 (746.8) |
| t003/C | 22,699 of 60,000 | negative ELBO 573.9 (579.1) |
| t003/D | 22,699 of 60,000 | negative ELBO !556.2 (571.6) |
| t003/E | 22,699 of 60,000 | negative ELBO !565.3 (613.5) |
| t004/mlp-z2 | 22,699 of 60,000 | loss 37.91, 38.73 (37.49, 37.90), pixel FID 21.15 (19.93) |
| t004/mlp-z5 | 22,699 of 60,000 | loss 31.63, !32.30 (31.09, 31.14), pixel FID 9.80 (8.67) |
| t004/mlp-z16 | 22,699 of 60,000 | loss 29.75, 29.96 (29.43, 29.24), pixel FID 4.92 (4.63) |
| t000/vae-b0.2-legacy | 22,699 of 32,000 | SSE !30.74 (33.75), FID 223 (142), of 100 z !150 (92) |
| t000/sbvae-legacy | 22,699 of 32,000 | KL 10.1346 (10.1346), test SSE 52.99 (52.85) |
| t000/mlp-7 | 22,699 of 32,000 | FID 225 (209), TVD .0963 (.0961) |
| t000/mlp-9 | 22,699 of 32,000 | FID 222 (190), TVD .0982 (.1137) |

Seeds 1 and 2 of t000/vae-b0.2-legacy: SSE 30.7 and 27.6, FID 173 and 191, of 100 z 79 and 82. With
80 epochs, the published number of steps, t001/vae has a validation loss of 112.00.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.support.measuring import machine
from vaemodels.presets import select
from vaemodels.presets.outcome import outcomes
from vaemodels.presets.running import Obtained, Runner

QUICK = ("t000/params", "t001/params", "t003/params")
DEFAULT = (
    "t000/total-variance",
    "t003/A-optimum",
    "t001/vae",
    "t001/ae",
    "t003/A",
    "t003/B",
    "t003/C",
    "t003/D",
    "t003/E",
    "t004/mlp-*",
    "t000/vae-b0.2-legacy",
    "t000/vae-b0.2-fixed",
    "t000/sbvae-legacy",
    "t000/mlp-7",
    "t000/mlp-9",
    "t001/negative-control",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the presets and prints a row per figure as it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks reproduce", description=__doc__)
    parser.add_argument("presets", nargs="*", metavar="PRESET", default=[])
    parser.add_argument("--data-dir", type=Path, help="folder with MNIST's four IDX files")
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    options = parser.parse_args(arguments)
    patterns = options.presets or (QUICK if options.quick else DEFAULT)
    presets = [preset for pattern in patterns for preset in select(pattern)]
    print(machine())
    print("| preset | figure | obtained | published | tolerance | training images | verdict |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        runner = Runner(Path(cache), data_dir=options.data_dir)
        runner.plan(presets)
        for preset in presets:
            obtained = runner.run(preset)
            for outcome in outcomes(preset, obtained, fast=False):
                figure = outcome.figure
                if "@" in figure.measure or outcome.obtained is None:
                    continue
                published = "-" if figure.published is None else f"{figure.published:.6g}"
                print(
                    f"| {preset.id} | {figure.measure} | {outcome.obtained:.6g} | {published} | "
                    f"{figure.tolerance} | {_images(obtained)} | {outcome.verdict} |",
                    flush=True,
                )


def _images(obtained: Obtained) -> str:
    if obtained.num_images is None:
        return "-"
    return f"{obtained.num_images:,} of {obtained.num_published:,}"


if __name__ == "__main__":
    main()
