"""The whole service, as processes of this machine: cluster/smoke.sh as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import programs

ROOT = Path(__file__).parents[1]


@pytest.mark.slow(minutes=10)
@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
def test_nothing_is_lost_with_a_node_and_the_head(tmp_path):
    own = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # This process may have been told of other servers, and Ray by `search.executor` of loopback.
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "VAESEARCH_"))}
    done = subprocess.run(
        [ROOT / "cluster" / "smoke.sh", tmp_path / "logs"],
        env={**kept, "PATH": own},
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every trial ended once, and MLflow agrees" in done.stdout
    assert done.stdout.rstrip().endswith("no secret stands anywhere in what all this wrote")
