"""All presets, and how they are named on a command line."""

import fnmatch
from typing import Final

from vaemodels.presets.homework import HOMEWORK
from vaemodels.presets.notebook import NOTEBOOK
from vaemodels.presets.preset import Preset
from vaemodels.presets.project import PROJECT
from vaemodels.presets.thesis import THESIS_MODELS
from vaemodels.presets.thesis_checks import THESIS_CHECKS

PRESETS: Final[dict[str, Preset]] = {
    preset.id: preset for preset in (*THESIS_CHECKS, *THESIS_MODELS, *NOTEBOOK, *HOMEWORK, *PROJECT)
}


def select(pattern: str) -> list[Preset]:
    """Returns the presets of an id ("t001/vae"), a study ("t003"), a glob ("t004/mlp-*"), or
    "exact" for all whose figures are exact; in the order of the catalogue.

    Raises:
        ValueError: If there is none.
    """
    if pattern == "exact":
        return [preset for preset in PRESETS.values() if preset.kind == "E"]
    if pattern in PRESETS:
        return [PRESETS[pattern]]
    study = f"{pattern.rstrip('/')}/"
    found = [
        preset
        for name, preset in PRESETS.items()
        if name.startswith(study) or fnmatch.fnmatchcase(name, pattern)
    ]
    if not found:
        near = [name for name in PRESETS if pattern in name][:5]
        hint = f"near: {', '.join(near)}" if near else "`--list` shows all"
        raise ValueError(
            f"Invalid preset. Expected an id, a study such as t003, a glob or exact ({hint}). "
            f"Received: {pattern!r}."
        )
    return found
