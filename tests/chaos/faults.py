"""Twelve ways to disturb a search, each as it happens in the field."""

import contextlib
import ctypes
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil

from search.study.lease import current_holder
from tests.chaos.harness import Chaos

_SQL_SECONDS: Final = 30.0
_MLFLOW_SECONDS: Final = 5.0
_END_SECONDS: Final = 60.0
_WORKER: Final = "ray::ResourceTrainable"  # Tune's name for a trainable that was given resources
_STOPPING: Final = "stopping: the trials save and end"


def kill_driver(chaos: Chaos, _: random.Random) -> None:
    """kill -9 of the driver; its raylet and its workers go on for a while."""
    assert chaos.driver is not None
    chaos.driver.kill()
    chaos.driver.wait()


def kill_worker(chaos: Chaos, chance: random.Random) -> None:
    """kill -9 of a process that runs a trial."""
    workers: list[psutil.Process] = []

    def is_there() -> bool:
        if not chaos.is_running:
            chaos.go_on()  # it has come to its end meanwhile, and gets more trials
        workers[:] = chaos.members(_WORKER)
        return bool(workers)

    assert chaos.wait(is_there), f"no trial runs:\n{chaos.output}"
    _kill(chance.choice(workers))
    chaos.counts["workers killed"] += 1


def kill_raylet(chaos: Chaos, _: random.Random) -> None:
    """kill -9 of a whole raylet: with it go all workers of the node."""
    for process in chaos.members("raylet/raylet"):
        _kill(process)
    chaos.wait(lambda: not chaos.is_running, _END_SECONDS)
    if chaos.is_running:  # Ray may leave the driver waiting for a node that does not come back
        chaos.counts["drivers that hung"] += 1
        kill_driver(chaos, random.Random())


def stop_sql(chaos: Chaos, _: random.Random) -> None:
    """The database server is gone for 30 seconds, longer than a lease."""
    assert chaos.postgres is not None
    chaos.postgres.stop()
    time.sleep(_SQL_SECONDS)
    chaos.postgres.start()


def kill_mlflow(chaos: Chaos, _: random.Random) -> None:
    """kill -9 of MLflow's server, which comes back after a while."""
    chaos.kill_mlflow()
    time.sleep(_MLFLOW_SECONDS)
    chaos.start_mlflow()


def fill_disk(chaos: Chaos, _: random.Random) -> None:
    """The store's disk is full while checkpoints are written."""
    with _no_space(chaos):
        chaos.wait(lambda: not chaos.is_running, _END_SECONDS)
    if chaos.is_running:
        chaos.counts["full disks that nobody noticed"] += 1


def damage_object(chaos: Chaos, chance: random.Random) -> None:
    """A file of a trial that runs is cut short."""
    files = [path for path in _running(chaos) if path.is_file()]
    if files:
        path = chance.choice(files)
        with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
        kill_driver(chaos, chance)  # else nobody would read it again


def delete_folder(chaos: Chaos, chance: random.Random) -> None:
    """The whole folder of a trial that runs is deleted, and its worker dies."""
    folders = sorted({path.parent for path in _running(chaos)})
    if folders:
        shutil.rmtree(chance.choice(folders).parent, ignore_errors=True)
    kill_driver(chaos, chance)


def second_driver(chaos: Chaos, _: random.Random) -> None:
    """Somebody starts another driver, which has to be refused."""
    log = chaos.folder / "second.txt"
    other = chaos.new_driver(log)
    assert other.wait(_END_SECONDS) == 1, log.read_text()
    assert "This search is run by process" in log.read_text()


def frozen_driver(chaos: Chaos, _: random.Random) -> None:
    """The driver stands still for longer than its lease, and another one takes over."""
    first = chaos.driver
    assert first is not None
    first.send_signal(signal.SIGSTOP)
    study = chaos.reader()
    holder = current_holder(study.engine, study.id)
    chaos.driver = None
    chaos.resume()
    first.send_signal(signal.SIGCONT)
    first.wait(_END_SECONDS)
    if holder is None:  # it had ended its search before, and only its process was left
        chaos.counts["drivers frozen after their end"] += 1
    else:
        assert first.returncode != 0


def sigterm(chaos: Chaos, _: random.Random) -> None:
    """The batch system asks the driver to end."""
    _end_gently(chaos, signal.SIGTERM)


def sigint(chaos: Chaos, _: random.Random) -> None:
    """Somebody presses Ctrl-C."""
    _end_gently(chaos, signal.SIGINT)


Fault = Callable[[Chaos, random.Random], None]
FAULTS: Final[tuple[Fault, ...]] = (
    kill_driver,
    kill_worker,
    kill_raylet,
    stop_sql,
    kill_mlflow,
    fill_disk,
    damage_object,
    delete_folder,
    second_driver,
    frozen_driver,
    sigterm,
    sigint,
)


def _end_gently(chaos: Chaos, number: signal.Signals) -> None:
    assert chaos.driver is not None
    known = chaos.output.count(_STOPPING)
    if not chaos.wait(lambda: "running trials" in chaos.output.rpartition("starting Ray")[2], 60):
        return  # it is at its end, or not yet at its beginning
    chaos.driver.send_signal(number)
    with contextlib.suppress(subprocess.TimeoutExpired):
        chaos.driver.wait(_END_SECONDS)
    assert not chaos.is_running, "a driver that was asked to end did not"
    assert chaos.output.count(_STOPPING) > known, "it ended without a word"


def _running(chaos: Chaos) -> list[Path]:
    """Returns the files of trials that have not ended yet."""
    trials = [trial.number for trial in chaos.reader().trials() if not trial.state.is_finished]
    return [
        path for number in trials for path in sorted(chaos.store.glob(f"*/trials/{number:05d}/*/*"))
    ]


@contextlib.contextmanager
def _no_space(chaos: Chaos) -> Iterator[None]:
    """Leaves no space on the store's disk; without the right to mount one, lets no file grow."""
    if os.path.ismount(chaos.store):
        filler = chaos.store / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        try:
            yield
        finally:
            filler.unlink()
        return
    for process in chaos.members(_WORKER):
        with contextlib.suppress(psutil.Error):
            process.rlimit(psutil.RLIMIT_FSIZE, (1000, psutil.RLIM_INFINITY))
    yield


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int = 256) -> Iterator[None]:
    """Puts a small disk of its own at a folder, where that is allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={megabytes}m".encode()
    is_mounted = libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, options) == 0
    try:
        yield
    finally:
        if is_mounted:
            libc.umount2(str(folder).encode(), 2)  # also while somebody looks at it


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
