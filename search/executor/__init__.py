"""Ray Tune: it runs trials somewhere. Nothing it stores has to last.

Ray reads these settings once, when it is imported; no module outside of this package imports it.
"""

import os
from typing import Final

# What Tune would otherwise do beside running trials: write logs and snapshots that nobody reads,
# catch Ctrl-C, insist on metrics it knows.
_RAY_SETTINGS: Final = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Without it a Ray of one node listens on every address of the machine.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_DEDUP_LOGS": "0",
}

os.environ.update(_RAY_SETTINGS)
