"""Code of the user's own: data loaders and parts of models, named as `module:function`.

Only modules that were allowed in this process are ever imported: a name in a study or in the config
of a stored model runs nothing by itself.
"""

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from vaemodels.checks import refuse

# Allowed modules, separated by commas: how a process is told that others start.
OWN_MODULES: Final = "VAEMODELS_OWN_MODULES"
_NAME: Final = re.compile(r"([A-Za-z_]\w*)(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_own(name: Any) -> bool:
    """Returns whether a value names something of the user's own, such as `my_parts:encoder`."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def modules_in(folder: Path) -> list[str]:
    """Returns the modules and packages that lie directly in a folder, sorted."""
    files = [path.stem for path in folder.glob("*.py") if path.stem.isidentifier()]
    packages = [path.parent.name for path in folder.glob("*/__init__.py")]
    return sorted({*files, *(name for name in packages if name.isidentifier())})


def allow_code(folder: str | os.PathLike[str]) -> None:
    """Lets this process, and those that it starts, import the modules of a folder.

    Args:
        folder: Holds modules or packages. Trust it: importing runs what they hold.

    Raises:
        ValueError: If there is none in it, or this process has another module of that name.
    """
    path = Path(folder).expanduser().resolve()
    modules = modules_in(path)
    if not modules:
        raise refuse("code", "a folder with Python modules or packages", str(folder))
    for name in modules:
        _check_place(name, path)
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
    importlib.invalidate_caches()
    os.environ[OWN_MODULES] = ",".join(sorted({*_allowed(), *modules}))


def own(name: str) -> Callable[..., Any]:
    """Returns what a name such as `my_parts:encoder` stands for.

    Raises:
        ValueError: If its module was not allowed or cannot be imported, or holds no such function.
    """
    module_name, _, attribute = name.partition(":")
    if not is_own(name) or module_name.partition(".")[0] not in _allowed():
        raise ValueError(
            f"Invalid name of own code. Expected module:function of one of the modules that were "
            f"allowed: {', '.join(sorted(_allowed())) or 'none was'}. Received: {name!r}. Name the "
            "folder of the module under `code` in a study, or as `code` of `vaemodels.load`."
        )
    try:
        found = getattr(importlib.import_module(module_name), attribute, None)
    except Exception as error:  # whatever the user's module raises
        raise ValueError(
            f"Cannot import `{module_name}`, which {name!r} names: {type(error).__name__}: {error}."
        ) from error
    if not callable(found):
        raise ValueError(
            f"Invalid name of own code. `{module_name}` has no function {attribute!r}."
        )
    result: Callable[..., Any] = found
    return result


def taken_options(
    functions: Mapping[str, int], options: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Returns, for each of several functions by name, those options that it has arguments for.

    Args:
        functions: Name -> how many arguments it is given before its options.
        options: By name.

    Raises:
        ValueError: If an option is an argument of none.
    """
    taken = {name: _taken(own(name), count, options) for name, count in functions.items()}
    left = sorted(set(options).difference(*taken.values()))
    if left:
        names = ", ".join(taken) or "nothing, for the model has no part of your own"
        raise ValueError(
            f"Invalid option `own.{left[0]}`. Expected an argument of {names}. Correct the "
            "name, or give one of them such an argument."
        )
    return taken


def _taken(
    function: Callable[..., Any], num_given: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    parameters = list(inspect.signature(function).parameters.values())
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    names = {parameter.name for parameter in parameters[num_given:] if parameter.kind in named}
    return {key: value for key, value in options.items() if key in names}


def _allowed() -> set[str]:
    return {name for name in os.environ.get(OWN_MODULES, "").split(",") if name}


def _check_place(name: str, folder: Path) -> None:
    """Refuses a module whose name this process has already imported from elsewhere."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if name in sys.modules and (loaded is None or not Path(loaded).is_relative_to(folder)):
        raise ValueError(
            f"Invalid folder of own code, {folder}. This process has imported another module "
            f"`{name}`, from {loaded}. Rename yours, or use a new process."
        )
