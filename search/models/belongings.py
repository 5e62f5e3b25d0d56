"""What belongs to a search besides its trials, on the machine where somebody uses it: the code of
the user's that it began with, and its images."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from search.config import StudyConfig, replaced
from search.data_store import local_folder, published_item
from search.errors import DataError, SearchError, StudyConfigError
from search.models.images import load_images
from search.models.own_code import Archive, pack, place, place_of
from search.study.database import open_database
from search.study.own_code import is_kept, keep_code, kept_code
from search.study.reader import StudyReader
from search.workspace import Workspace
from vaemodels.data import Dataset, open_dataset
from vaemodels.own import allow_code

_SHOWN: Final = 12  # characters of a hash


def with_code(
    config: StudyConfig, study_database: Callable[[], sa.Engine] | None = None
) -> tuple[StudyConfig, Archive | None]:
    """Returns a study with the hash of its code, and the code.

    Args:
        config: The study file; it may have the hash already.
        study_database: Opens the one that may keep the code of that hash.

    Returns:
        The study, and None in place of the code if it has none or it is kept there.

    Raises:
        StudyConfigError: If there is no such code here, or it has another hash.
    """
    code = config.code
    if code is None or (code.hash and study_database and is_kept(study_database(), code.hash)):
        return config, None
    archive = pack(code.path)
    if code.hash not in (None, archive.hash):
        raise StudyConfigError(
            f"`code`: {code.path} holds other code than the study names ({archive.hash[:_SHOWN]} "
            f"for {str(code.hash)[:_SHOWN]}). Restore it, or leave `hash` out to take it as it is.",
            ("code", "hash"),
        )
    return _with(config, _section(code.path, archive)), archive


def submitted(engine: sa.Engine, config: StudyConfig) -> StudyConfig:
    """Returns a study with the hash of its code, which the study database keeps from now on."""
    config, archive = with_code(config, lambda: engine)
    if archive is not None:
        keep_code(engine, archive)
    return config


def kept(engine: sa.Engine, path: str) -> dict[str, str]:
    """Has the study database keep code; returns the section `code` of a study.

    Raises:
        StudyConfigError: If there is no such code here.
    """
    archive = pack(path)
    keep_code(engine, archive)
    return _section(path, archive)


def use_code(
    config: StudyConfig, workspace: Workspace, archive: Archive | None = None
) -> Path | None:
    """Lets this process import the code of a study.

    Args:
        config: The study, with the hash of its code.
        workspace: In its cache the code is placed.
        archive: The code, if the workspace's study database does not keep it yet.

    Returns:
        The folder with it; None if the study has none.

    Raises:
        SearchError: If it is not there any more, or this process has other modules of its names.
    """
    if config.code is None or config.code.hash is None:
        return None
    folder = place_of(config.code.hash, workspace.cache)
    if not folder.is_dir():
        place(
            archive or kept_code(open_database(workspace.study_url), config.code.hash),
            workspace.cache,
        )
    return _allowed(folder)


def try_code(config: StudyConfig, workspace: Workspace) -> None:
    """Lets this process import the code that a study file names, as it is now; errors as above."""
    archive = with_code(config)[1]
    if archive is not None:
        _allowed(place(archive, workspace.cache))


def images_of(reader: StudyReader, workspace: Workspace) -> Dataset:
    """Returns the images of a search, and lets this process import its code.

    Taken by their hash from the workspace's cache or from the store, where the source need not be
    at hand; else read from the source again.

    Raises:
        SearchError: If they are nowhere, or the source has other images now.
    """
    record = reader.record()
    use_code(record.config, workspace)
    key = str(record.identity["data"])
    folder = workspace.cache / "data" / key
    if folder.is_dir():
        return _opened(folder)
    item = published_item(workspace.store(record.config), key)
    if item is not None:
        return _opened(local_folder(workspace.store(record.config), item, folder))
    dataset = load_images(record.config, workspace.cache)
    if dataset.hash != key:
        raise DataError(
            f"{record.config.dataset.name} holds other images than those of `{record.name}` now "
            f"({dataset.hash[:_SHOWN]} for {key[:_SHOWN]}). Restore them."
        )
    return dataset


def _opened(folder: Path) -> Dataset:
    try:
        return open_dataset(folder)
    except (ValueError, OSError) as error:
        raise DataError(str(error)) from error


def _allowed(folder: Path) -> Path:
    try:
        allow_code(folder)
    except ValueError as error:
        raise SearchError(str(error)) from error
    return folder


def _with(config: StudyConfig, code: dict[str, str]) -> StudyConfig:
    return replaced({**config.model_dump(mode="json"), "code": code})


def _section(path: str, archive: Archive) -> dict[str, str]:
    folder = Path(path).expanduser()  # a package's name stays as it is
    return {"path": str(folder.resolve()) if folder.is_dir() else path, "hash": archive.hash}
