"""Reading study files: YAML in, `StudyConfig` out, every fault with its line and a remedy."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pydantic
import yaml

from search.config import StudyConfig, location_of, suggestion
from search.errors import NotFoundError, StudyConfigError


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
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not readable"
        raise StudyConfigError(f"{origin}:{line}: not valid YAML: {problem}") from error
    _refuse_repetitions(root, origin)
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


def _refuse_repetitions(node: yaml.Node | None, origin: str) -> None:
    """YAML lets the second of two equal keys win, silently."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise StudyConfigError(f"{origin}:{line}: `{key.value}` is there twice; drop one")
            seen.add(str(key.value))
            _refuse_repetitions(value, origin)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repetitions(item, origin)


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
    if detail["type"] in ("model_type", "dict_type"):
        return f"expected keys with values below it. Received: {detail['input']!r}"
    if detail["type"] == "string_pattern_mismatch":
        return f"expected at most 63 letters, digits, `.`, `_`, `-`. Received: {detail['input']!r}"
    text = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "value_error" or isinstance(detail["input"], dict):
        return text
    return f"{text}. Received: {detail['input']!r}{_remedy(detail['input'])}"


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
