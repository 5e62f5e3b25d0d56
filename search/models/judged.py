"""What preparing a judge found, kept beside it: who goes on with the same files need not load
TensorFlow for that."""

import hashlib
import json
from pathlib import Path
from typing import Any

from search.config import StudyConfig
from search.models.images import ImageFolders, code_hash
from vaemodels.data.publish import published_file


def keep(
    config: StudyConfig, dataset_folder: str, cache: Path, found: tuple[ImageFolders, Any]
) -> None:
    """Keeps what `search.models.judge.prepare_judge` returned for the same arguments."""
    folders, facts = found
    content = {"extractor": folders.extractor, "facts": facts, "files": _digests(folders, facts)}
    with published_file(_path(config, dataset_folder, cache)) as temporary:
        temporary.write_text(json.dumps(content))


def kept(
    config: StudyConfig, dataset_folder: str, cache: Path
) -> tuple[ImageFolders, dict[str, Any]] | None:
    """Returns what was kept, None if nothing was or a file has changed since."""
    try:
        content = json.loads(_path(config, dataset_folder, cache).read_text())
        folders = ImageFolders(dataset_folder, content["extractor"], str(cache / "references"))
        is_same = content["files"] == _digests(folders, content["facts"])
    except (OSError, ValueError, KeyError):
        return None
    return (folders, content["facts"]) if is_same else None


def _path(config: StudyConfig, dataset_folder: str, cache: Path) -> Path:
    """Returns a name that stands for all that decides what is found."""
    place = [str(Path(name).resolve()) for name in (dataset_folder, cache)]
    key = [*place, config.dataset.extractor, config.measure.num_images, code_hash()]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
    return cache / "references" / f"prepared-{digest[:32]}.json"


def _digests(folders: ImageFolders, facts: dict[str, Any]) -> dict[str, str]:
    """Returns the SHA-256 of the extractor's files and of the statistics of validation images."""
    if folders.extractor is None:
        return {}
    name = f"reference-{facts['extractor_hash'][:16]}-*-validation.npz"
    found = [*Path(folders.extractor).iterdir(), *Path(folders.references).glob(name)]
    files = sorted(path for path in found if path.is_file())
    return {str(path.resolve()): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
