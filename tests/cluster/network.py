"""Machines as network namespaces: each with an address of its own, wired to one switch."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


class Network:
    """A head with the switch in its namespace, and nodes, numbered from 1, with a cable each.

    Nothing of it is in the namespace of this machine, and nothing outside can be reached.
    """

    def __init__(self, num_nodes: int):
        self._tag = f"vs{secrets.token_hex(3)}"
        self._subnet = f"10.213.{1 + secrets.randbelow(254)}"
        self._numbers = range(num_nodes + 1)  # 0 is the head

    def address(self, number: int = 0) -> str:
        """Returns the address of a machine."""
        return f"{self._subnet}.{number + 1}"

    def inside(self, number: int = 0) -> list[str]:
        """Returns the words that have a command run on a machine."""
        return ["ip", "netns", "exec", self._name(number)]

    def make(self) -> None:
        """Sets it up.

        Raises:
            CalledProcessError: If this machine does not allow it.
        """
        for number in self._numbers:
            _ip("netns", "add", self._name(number))
            self._on(number, "link", "set", "lo", "up")
        self._on(0, "link", "add", "switch", "type", "bridge")
        self._on(0, "addr", "add", f"{self.address()}/24", "dev", "switch")
        self._on(0, "link", "set", "switch", "up")
        for number in self._numbers[1:]:
            far_end = ["peer", "name", "cable", "netns", self._name(number)]
            self._on(0, "link", "add", f"port{number}", "type", "veth", *far_end)
            self._on(0, "link", "set", f"port{number}", "master", "switch")
            self.plug_in(number)
            self._on(number, "addr", "add", f"{self.address(number)}/24", "dev", "cable")
            self._on(number, "link", "set", "cable", "up")

    def cut_off(self, number: int) -> None:
        """Sets the link of a node down."""
        self._on(0, "link", "set", f"port{number}", "down")

    def plug_in(self, number: int) -> None:
        """Sets the link of a node up."""
        self._on(0, "link", "set", f"port{number}", "up")

    def end(self) -> None:
        """Kills whatever runs on these machines and takes them away."""
        for number in self._numbers:
            name = self._name(number)
            if not Path("/run/netns", name).exists():
                continue
            for pid in _ip("netns", "pids", name).split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            _ip("netns", "delete", name)

    def _name(self, number: int) -> str:
        return f"{self._tag}n{number}"

    def _on(self, number: int, *words: str) -> None:
        _ip("-n", self._name(number), *words)


@contextlib.contextmanager
def wired(num_nodes: int) -> Iterator[Network]:
    """Yields a network of its own; the test is skipped where that cannot be made."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need `ip`, from iproute2")
    network = Network(num_nodes)
    try:
        try:
            network.make()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
        yield network
    finally:
        network.end()


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
