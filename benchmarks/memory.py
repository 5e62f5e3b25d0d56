"""Memory of workers that train the thesis' dense VAE on 60,000 images, and what they share.

    python -m benchmarks memory [--quick]

A search of two workers on images of MNIST's size and number, drawn by a generator: hidden layers of
512 and 256 units, batch 100, 10,000 generated images measured after every epoch. Twice a second it
asks /proc which processes have a file of the data set mapped. Of each:

- peak MB: resident memory at its highest, which a process counts with what it shares.
- at the end: resident, its proportional part (a page of two processes counts half for each), and
  what is its own.

Then the files themselves: of what type, how large, by how many processes mapped, and how much of
them is in memory as anybody's own (`written`). What a driver grows by is in `orchestration`.
"""

import argparse
import contextlib
import dataclasses
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil

from benchmarks.support.measuring import machine, table
from tests.idx_files import make_images


@dataclasses.dataclass
class Mapping:
    """A file in a process's memory, in bytes."""

    path: str
    size: int = 0
    resident: int = 0
    written: int = 0


@dataclasses.dataclass
class Seen:
    """What /proc said of a process when it was last looked at, in bytes."""

    name: str
    peak: int
    resident: int
    proportional: int
    own: int
    mappings: list[Mapping]


def mappings_of(pid: int, folder: Path) -> list[Mapping]:
    """Returns the files below a folder that a process has mapped."""
    found: dict[str, Mapping] = {}
    current: Mapping | None = None
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        key, *values = line.split()
        if "-" in key:  # a new range of addresses; its file is the sixth column
            path = values[4] if len(values) > 4 else ""
            current = None
            if path.startswith(str(folder)):
                current = found.setdefault(path, Mapping(path))
        elif current is not None and key in ("Size:", "Rss:", "Private_Dirty:"):
            name = {"Size:": "size", "Rss:": "resident", "Private_Dirty:": "written"}[key]
            setattr(current, name, getattr(current, name) + int(values[0]) * 1024)
    return list(found.values())


def look(process: psutil.Process, folder: Path) -> Seen | None:
    """Returns what a process holds, None if it maps nothing below the folder or has gone."""
    try:
        if str(folder) not in Path(f"/proc/{process.pid}/maps").read_text():
            return None  # the kernel takes its time for the rest
        mappings = mappings_of(process.pid, folder)
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
        memory = process.memory_full_info()
        return Seen(process.name(), peak * 1024, memory.rss, memory.pss, memory.uss, mappings)
    except (OSError, StopIteration, psutil.Error):  # one that is just ending has no memory left
        return None


@contextlib.contextmanager
def watching(folder: Path) -> Iterator[dict[int, Seen]]:
    """Watches this process's descendants; yields what they held when last looked at, by id."""
    seen: dict[int, Seen] = {}
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.5):
            for process in psutil.Process().children(recursive=True):
                if (found := look(process, folder)) is not None:
                    seen[process.pid] = found

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def search(num_images: int, epochs: int, folder: Path) -> dict[int, Seen]:
    """Runs the search; returns its workers."""
    from search.config import StudyConfig
    from search.driver import create, drive
    from search.workspace import Workspace

    (train, labels), (test, test_labels) = make_images(num_images, 0), make_images(10_000, 1)
    images = folder / "images.npz"
    np.savez(images, x_train=train, y_train=labels, x_test=test, y_test=test_labels)
    config = StudyConfig.model_validate(
        {
            "name": "memory",
            "dataset": str(images),
            "space": {"beta": {"type": "float", "low": 0.1, "high": 1.0, "log": True}},
            "fixed": {"widths": [512, 256], "latent_dim": 20, "batch_size": 100},
            "budget": {"trials": 2, "epochs": epochs},
            "measure": {"every_epochs": 1, "num_images": 10_000},
            "early_stopping": {"rule": "none"},
            "resources": {"workers": 2},
            "tracking": {"mlflow": False},
        }
    )
    workspace = Workspace.at(folder / "workspace")
    create(config, workspace)
    with watching(workspace.cache) as seen:
        drive(config.name, workspace, lambda _: None)
    # What Ray calls a process of trials while it begins, and later.
    names = ("ray::TrialWorker", "ray::ResourceTrainable")
    return {pid: one for pid, one in seen.items() if one.name.startswith(names)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the search and prints two tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="6,000 images, one epoch")
    options = parser.parse_args(arguments)
    num_images, epochs = (6_000, 1) if options.quick else (60_000, 3)
    print(machine())
    with tempfile.TemporaryDirectory(prefix="vaesearch-benchmark-") as name:
        folder = Path(name).resolve()
        workers = search(num_images, epochs, folder)
        print(
            table(
                ["process", "peak MB", "at the end", "proportional", "its own"],
                [
                    [one.name, *map(_mib, (one.peak, one.resident, one.proportional, one.own))]
                    for one in workers.values()
                ],
            )
        )
        files: dict[str, list[Mapping]] = {}
        for mapping in (mapping for one in workers.values() for mapping in one.mappings):
            files.setdefault(mapping.path, []).append(mapping)
        print()
        print(
            table(
                ["file", "type", "MB", "processes", "written"],
                [
                    [
                        Path(path).name,
                        np.load(path, mmap_mode="r").dtype,
                        _mib(Path(path).stat().st_size),
                        len(found),
                        _mib(sum(one.written for one in found)),
                    ]
                    for path, found in sorted(files.items())
                ],
            )
        )


def _mib(size: float) -> str:
    return f"{size / 2**20:,.1f}"


if __name__ == "__main__":
    main()
