"""From a name or a path to a data set in the cache."""

from pathlib import Path
from typing import Final

from vaemodels.data.binarised import BINARISED, binarised
from vaemodels.data.dataset import Dataset, open_dataset, write_dataset
from vaemodels.data.digits import read_digits
from vaemodels.data.download import read_keras_dataset
from vaemodels.data.folder import read_folder
from vaemodels.data.idx import CLASS_NAMES, REMEDY, read_idx_dataset
from vaemodels.data.npz import read_npy, read_npz
from vaemodels.data.own import read_own
from vaemodels.data.source import Source, check_class_sizes
from vaemodels.data.sprites import read_sprites
from vaemodels.own import is_own

# Names of data sets, also where a file or folder is called so.
BUILT_IN: Final = ("digits", "sprites", *CLASS_NAMES, *BINARISED)


def load_dataset(name_or_path: str, cache_dir: Path, data_dir: Path | None = None) -> Dataset:
    """Returns a data set, written to `<cache_dir>/<hash>` unless it is there already.

    The source is read and hashed on every call, so a changed source is a new data set. Safe when
    several processes do it at once.

    Args:
        name_or_path: `digits`, `sprites`, `mnist`, `fashion-mnist`, one of the last two with
            `binarised-` before it, a loader of the user's such as `my_data:load`, or the path of an
            `.npz` or `.npy` file or of a folder with one subfolder of images per class.
        cache_dir: Folder for the copies that workers map into memory.
        data_dir: Folder with the four files of `mnist` or `fashion-mnist`; without one, Keras
            downloads them, or takes what it downloaded before. Or what a loader is given.

    Raises:
        FileNotFoundError: If the source is missing, or cannot be downloaded.
        ValueError: If the source is damaged or is not a set of images; one line says which file.
    """
    source = read_source(name_or_path, data_dir)
    check_class_sizes(source, name_or_path)
    try:
        folder = write_dataset(source, Path(cache_dir).expanduser().resolve())
    except ValueError as error:
        raise ValueError(f"{error} The data set is {name_or_path!r}.") from error
    return open_dataset(folder)


def read_source(name_or_path: str, data_dir: Path | None = None) -> Source:
    """Returns a data set as it was read: all images in the order of the files, not split.

    Args and errors as `load_dataset`.
    """
    if name_or_path == "digits":
        return read_digits()
    if name_or_path == "sprites":
        return read_sprites()
    if name_or_path in BINARISED:
        return binarised(read_source(BINARISED[name_or_path], data_dir))
    if name_or_path in CLASS_NAMES:
        if data_dir is not None:
            return read_idx_dataset(name_or_path, Path(data_dir))
        return read_keras_dataset(name_or_path, CLASS_NAMES[name_or_path], REMEDY)
    if is_own(name_or_path):
        return read_own(name_or_path, data_dir)
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return read_folder(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"Invalid data set {name_or_path!r}. Expected {', '.join(BUILT_IN)}, or an "
            "existing .npz or .npy file or folder. Received: a path where nothing is."
        )
    if path.suffix not in (".npz", ".npy"):
        raise ValueError(
            f"Invalid data set {name_or_path!r}. Expected a .npz or .npy file or a folder. "
            f"Received: a file that ends in {path.suffix!r}."
        )
    return read_npz(path) if path.suffix == ".npz" else read_npy(path)
