"""Images from a loader of the user's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaemodels.data.npz import from_arrays
from vaemodels.data.source import Source
from vaemodels.own import own


def read_own(name: str, data_dir: Path | None) -> Source:
    """Returns what a loader of the user's returns.

    Args:
        name: Of the function, `module:function`. It returns arrays by the names of an `.npz` file.
        data_dir: The loader's only argument; it is called without one if this is None.

    Raises:
        ValueError: If it fails, or returns something else.
    """
    loader = own(name)
    try:
        found = loader() if data_dir is None else loader(data_dir)
    except Exception as error:  # whatever the user's function raises
        raise ValueError(f"The loader {name!r} failed: {type(error).__name__}: {error}.") from error
    if not isinstance(found, Mapping):
        raise ValueError(
            f"Invalid result of the loader {name!r}. Expected a dictionary of arrays such as "
            f"{{'images': ..., 'labels': ...}}. Received: {type(found).__name__}."
        )
    return from_arrays(_arrays(found), name.partition(":")[2], f"result of the loader {name!r}")


def _arrays(found: Mapping[Any, Any]) -> dict[str, NDArray[Any]]:
    return {str(key): np.asarray(value) for key, value in found.items()}
