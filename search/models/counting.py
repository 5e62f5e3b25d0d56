"""Parameter counts of models with parts of the user's own, which have to be built for it.

Built in a process of their own: a driver loads no TensorFlow, and takes no GPU.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from search.errors import StudyConfigError
from vaemodels.config import VAEConfig

_LONGEST_SECONDS: Final = 900.0
_ANSWER: Final = "vaesearch counted "
_SETTINGS: Final = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


class ImpossibleModelError(StudyConfigError):
    """One of several models cannot be built.

    Args:
        index: Which of them.
        message: Why.
    """

    def __init__(self, index: int, message: str):
        super().__init__(message)
        self.index = index


def count_built(configs: Sequence[VAEConfig]) -> list[int]:
    """Returns the number of weights of models, after building each of them.

    Raises:
        ImpossibleModelError: If one of them cannot be built.
        StudyConfigError: If the process died, or takes a quarter of an hour.
    """
    path = os.pathsep.join(filter(None, sys.path))  # with the folder of the user's code
    try:
        done = subprocess.run(
            # -P: without it, what lies in the current folder would be imported first.
            [sys.executable, "-P", "-m", "search.models.counting"],
            input=json.dumps([config.to_json() for config in configs]),
            env={**os.environ, **_SETTINGS, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StudyConfigError(
            f"building the models of your own code took over {_LONGEST_SECONDS / 60:g} minutes"
        ) from error
    # Whatever the user's code prints comes before and after.
    answers = [line for line in done.stdout.splitlines() if line.startswith(_ANSWER)]
    if done.returncode or not answers:
        last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise StudyConfigError(f"building the models of your own code failed: {last[0]}")
    answer = json.loads(answers[-1].removeprefix(_ANSWER))
    if "error" in answer:
        raise ImpossibleModelError(len(answer["counts"]), answer["error"])
    return [int(count) for count in answer["counts"]]


def _main() -> None:
    from vaemodels.building import build

    counts: list[int] = []
    answer: dict[str, object] = {"counts": counts}
    for values in json.load(sys.stdin):
        try:
            counts.append(build(VAEConfig.from_json(values)).num_parameters)
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises
            answer["error"] = f"{type(error).__name__}: {error}"
            break
    sys.stdout.write(f"\n{_ANSWER}{json.dumps(answer)}\n")


if __name__ == "__main__":
    _main()
