"""Code of the user's that goes with a search: packed once, kept in the study, placed where it runs.

A search keeps the code that it began with, so that a folder that is edited later, or a machine that
never had it, changes nothing.
"""

import contextlib
import dataclasses
import hashlib
import importlib.util
import io
import re
import sys
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Final, final

from search.errors import SearchError, StudyConfigError
from vaemodels.data.publish import published_folder
from vaemodels.own import OWN_MODULES, modules_in

_MOST_BYTES: Final = 10 * 2**20
_MOST_FILES: Final = 2000
_SAME_DATE: Final = (1980, 1, 1, 0, 0, 0)  # so that equal files make equal archives


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Archive:
    """Modules and packages as one ZIP file.

    Attributes:
        hash: SHA-256 (hex) over the names and contents of its files.
        content: The file.
    """

    hash: str
    content: bytes


def pack(path: str) -> Archive:
    """Returns the modules and packages of a folder, or a package.

    Args:
        path: A folder of modules, a folder that is a package, or the name of a package or module
            that is installed here.

    Raises:
        StudyConfigError: If there is nothing to import, or too much.
    """
    files = _files(path)
    if hidden := sorted({name.partition("/")[0].removesuffix(".py") for name in files} & _taken()):
        raise _refuse(
            f"the module `{hidden[0]}` of {path} would be imported in place of the library of that "
            "name; rename it"
        )
    if len(files) > _MOST_FILES:
        raise _refuse(
            f"{path} has {len(files):,} files, more than {_MOST_FILES:,}; name a smaller folder"
        )
    contents: dict[str, bytes] = {}
    packed = io.BytesIO()
    num_bytes = 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(files.items()):
            try:
                content = file.read_bytes()
            except OSError as error:
                raise _refuse(f"cannot read {file}: {error.strerror}") from error
            num_bytes += len(content)
            if num_bytes > _MOST_BYTES:
                raise _refuse(
                    f"{path} holds more than {_MOST_BYTES >> 20} MB; name a folder that holds code "
                    "alone, and images elsewhere"
                )
            contents[name] = content
            archive.writestr(zipfile.ZipInfo(name, _SAME_DATE), content, zipfile.ZIP_DEFLATED)
    return Archive(_digest(contents), packed.getvalue())


def _taken() -> set[str]:
    """Returns the names of modules of Python, of this program and of the libraries it asks for."""
    required: set[str] = set()
    with contextlib.suppress(metadata.PackageNotFoundError):  # from a folder that is not installed
        for line in metadata.requires("vaesearch") or ():
            required.add(re.split(r"[^\w.-]", line)[0].lower())
    owners = metadata.packages_distributions().items()
    libraries = {name for name, found in owners if required & {one.lower() for one in found}}
    return libraries | set(sys.stdlib_module_names) | {"search", "vaemodels"}


def place(archive: Archive, cache: Path) -> Path:
    """Returns a folder with an archive's files, made in `cache` unless it is there.

    Raises:
        SearchError: If the archive holds other files than its hash says.
    """
    folder = place_of(archive.hash, cache)
    if not folder.is_dir():
        with (
            published_folder(folder) as temporary,
            zipfile.ZipFile(io.BytesIO(archive.content)) as file,
        ):
            if _digest({name: file.read(name) for name in file.namelist()}) != archive.hash:
                raise SearchError(
                    f"What the study keeps as the code {archive.hash[:12]} is other code: it was "
                    "changed there, and is not run. `vaesearch resume NAME --code FOLDER` takes "
                    "yours."
                )
            file.extractall(temporary)
    return folder


def _digest(contents: Mapping[str, bytes]) -> str:
    """Returns the hash of files by their names."""
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def place_of(code_hash: str, cache: Path) -> Path:
    """Returns where the code of a hash is placed."""
    return cache / "code" / code_hash[:32]


def importable(folder: Path) -> list[Path]:
    """Returns the modules (files) and packages (folders) of a placed archive."""
    return [
        package if (package := folder / name).is_dir() else folder / f"{name}.py"
        for name in modules_in(folder)
    ]


def permission(folder: Path) -> dict[str, str]:
    """Returns the environment of processes that may import a placed archive's modules."""
    return {OWN_MODULES: ",".join(modules_in(folder))}


def _files(path: str) -> dict[str, Path]:
    """Returns what is packed, by the name it gets in the archive."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        return _installed(path)
    if (folder / "__init__.py").is_file():
        if not folder.resolve().name.isidentifier():
            raise _refuse(f"{path} is a package, and {folder.resolve().name!r} is no name of one")
        return _tree(folder.resolve())
    if not modules_in(folder):
        raise _refuse(f"{path} holds no Python modules or packages, such as my_parts.py")
    files: dict[str, Path] = {}
    for item in importable(folder.resolve()):
        files |= _tree(item) if item.is_dir() else {item.name: item}
    return files


def _installed(name: str) -> dict[str, Path]:
    is_possible = name.isidentifier() and name not in sys.stdlib_module_names
    spec = importlib.util.find_spec(name) if is_possible else None
    if spec is None or spec.origin is None:
        raise _refuse(
            f"there is no folder {name}, and no package or module of that name is installed"
        )
    origin = Path(spec.origin)
    if origin.name == "__init__.py":
        return _tree(origin.parent)
    if origin.suffix != ".py":
        raise _refuse(f"`{name}` is no package and no module of Python source: {origin}")
    return {origin.name: origin}


def _tree(package: Path) -> dict[str, Path]:
    """Returns the files of a package, but for hidden ones and what Python compiled."""
    found = {}
    for file in package.rglob("*"):
        parts = file.relative_to(package).parts
        is_left_out = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if file.is_file() and not is_left_out:
            found["/".join((package.name, *parts))] = file
    return found


def _refuse(message: str) -> StudyConfigError:
    return StudyConfigError(f"`code`: {message}.", ("code",))
