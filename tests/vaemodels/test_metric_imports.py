import subprocess
import sys

LIGHT = (
    "collapse",
    "disentanglement",
    "estimate",
    "fid",
    "kid",
    "latent_space",
    "neighbours",
    "pixel_fid",
    "tvd",
)
HEAVY = {"keras", "sklearn", "tensorflow"}


def test_metrics_of_arrays_import_nothing_heavy():
    lines = [f"import vaemodels.metrics.{name}" for name in LIGHT]
    code = "; ".join([*lines, "import sys", f"print(*sorted({HEAVY!r} & set(sys.modules)))"])
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
