"""Reading study files: YAML in, `StudyConfig` out, every fault with its line and a remedy."""

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pydantic
import yaml

from search.config import StudyConfig, location_of
from search.errors import NotFoundError, StudyConfigError, suggestion

_MOST_VALUES: Final = 100_000  # of a study file
_PRINTABLE: Final = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*")
_MOST_SHOWN: Final = 200  # characters of a value that an error quotes


def load_study(path: Path) -> StudyConfig:
    """Returns the checked study of a YAML file, or of a packaged one where there is no such file.

    Args:
        path: A file, or a name of `packaged_studies`.

    Raises:
        NotFoundError: If there is no such file.
        StudyConfigError: If it is not YAML, or says something unknown, wrong or impossible.
    """
    if str(path) in packaged_studies() and not path.exists():
        return packaged_study(str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(
            f"Cannot read the study file {path}: {getattr(error, 'strerror', None) or error}. "
            "`vaesearch init` writes one."
        ) from error
    return parse_study(text, str(path))


def parse_study(text: str, origin: str) -> StudyConfig:
    """Returns the checked study of YAML text; `origin` names it in errors."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _check_nodes(root, origin)
        values = yaml.safe_load(text)
    except StudyConfigError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not readable"
        raise StudyConfigError(f"{origin}:{line}: not valid YAML: {problem}") from error
    except RecursionError as error:
        raise StudyConfigError(f"{origin}:1: nested too deeply to be read") from error
    except (ValueError, TypeError, OverflowError) as error:  # 5,000 digits; a list as a key; a date
        text = " ".join(str(error).split())[:_MOST_SHOWN]
        raise StudyConfigError(f"{origin}:1: a value cannot be read: {text}") from error
    if not isinstance(values, Mapping):
        raise StudyConfigError(
            f"{origin}:1: expected keys such as `name:` and `space:`. "
            f"Received: {type(values).__name__}. `vaesearch init` writes a file to start from."
        )
    try:
        return StudyConfig.model_validate(values)
    except pydantic.ValidationError as error:
        raise StudyConfigError(_one_line(error, root, origin)) from error


def builtin_study() -> StudyConfig:
    """Returns the study that `vaesearch run` starts when it is given none."""
    return packaged_study("digits")


def builtin_text() -> str:
    """Returns the built-in study as the commented file that `vaesearch init` writes."""
    return packaged_text("digits")


def packaged_studies() -> list[str]:
    """Returns the names of the studies that come with the program."""
    files = (resources.files("search") / "studies").iterdir()
    return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))


def packaged_study(name: str) -> StudyConfig:
    """Returns a study that comes with the program; errors as `packaged_text`."""
    return parse_study(packaged_text(name), f"the study {name!r} of the program")


def packaged_text(name: str) -> str:
    """Returns the commented file of a study that comes with the program.

    Raises:
        NotFoundError: If none is called so.
    """
    known = packaged_studies()
    if name not in known:
        raise NotFoundError(f"No study {name!r} comes with the program; {', '.join(known)} do.")
    return (resources.files("search") / "studies" / f"{name}.yaml").read_text(encoding="utf-8")


def _check_nodes(root: yaml.Node | None, origin: str) -> None:
    """Refuses what YAML allows and nobody means: a key twice, of which the second would win
    silently; a value that contains itself; aliases that multiply to something huge; text with
    characters that no path and no name can have."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        """Returns how many values a node stands for, aliases written out."""
        if id(node) in open_nodes:
            line = node.start_mark.line + 1
            raise StudyConfigError(f"{origin}:{line}: this value contains itself; drop the alias")
        if id(node) not in sizes:
            open_nodes.add(id(node))
            sizes[id(node)] = 1 + sum(size(child) for child in _children(node, origin))
            open_nodes.discard(id(node))
            _check_text(node, origin)
        return sizes[id(node)]

    if root is not None and size(root) > _MOST_VALUES:
        raise StudyConfigError(
            f"{origin}:1: its aliases stand for more than {_MOST_VALUES:,} values; write out what "
            "you need"
        )


def _check_text(node: yaml.Node, origin: str) -> None:
    if isinstance(node, yaml.ScalarNode) and not _PRINTABLE.fullmatch(node.value):
        line = node.start_mark.line + 1
        raise StudyConfigError(f"{origin}:{line}: text with a control character; drop it")


def _children(node: yaml.Node, origin: str) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                line = key.start_mark.line + 1
                raise StudyConfigError(f"{origin}:{line}: `{key.value}` is there twice; drop one")
            seen.add(str(key.value))
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _one_line(error: pydantic.ValidationError, root: yaml.Node | None, origin: str) -> str:
    details = error.errors()
    # A misspelt key is unknown, and often missing under its right name: the first says more.
    first = next((d for d in details if d["type"] == "extra_forbidden"), details[0])
    location = location_of(first)
    where = ".".join(str(part) for part in location)
    more = f" ({len(details) - 1} more after this one)" if len(details) > 1 else ""
    message = _message(first, location)
    return f"{origin}:{_line(root, location)}: {f'{where}: ' if where else ''}{message}{more}"


def _message(detail: Any, location: Sequence[int | str]) -> str:
    if detail["type"] == "extra_forbidden":
        owner: Any = StudyConfig
        for part in location[:-1]:
            field = getattr(owner, "model_fields", {}).get(str(part))
            owner = field.annotation if field else None
        known = list(getattr(owner, "model_fields", {}))
        hint = suggestion(str(location[-1]), known) if known else ""
        return f"unknown key `{location[-1]}`{hint}"
    if detail["type"] == "missing":
        return f"this key is missing; write `{location[-1]}: ...`"
    received = _quoted(detail["input"])
    if detail["type"] in ("model_type", "dict_type"):
        return f"expected keys with values below it. Received: {received}"
    text = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "value_error" or isinstance(detail["input"], dict):
        return text
    return f"{text}. Received: {received}{_remedy(detail['input'])}"


def _quoted(value: Any) -> str:
    """Returns a value as Python writes it, cut where it gets long."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _remedy(value: Any) -> str:
    """Returns what to write in place of text that was meant as a number: YAML's 3e-4 is text."""
    try:
        return f". Write {float(value)!r}" if isinstance(value, str) else ""
    except ValueError:
        return ""


def _line(node: yaml.Node | None, location: Sequence[int | str]) -> int:
    """Returns the line of the deepest node on the way to `location`, counted from 1."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == str(part)]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
