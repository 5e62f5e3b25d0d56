"""A browser for tests: Chromium without a window, steered through its DevTools pipe.

Mouse events are real ones: the page sees what it would see of a person.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Chromium reads its orders from descriptor 3 and answers on 4, whatever those are in our process.
_LAUNCHER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(text), fcntl.F_DUPFD, 10) for text in sys.argv[1:3]]
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_PATIENCE = 60.0  # seconds for an answer: the machine may be busy


def kept(folder: Path) -> Path:
    """Returns where pictures of pages go: what CI keeps, else a folder of the test's own."""
    place = Path(os.environ.get("CI_OUTPUT", folder))
    place.mkdir(parents=True, exist_ok=True)
    return place


class Browser:
    """One page of one browser; a context manager.

    Args:
        width: Of the window in CSS pixels.
        height: Of the window.

    Attributes:
        errors: What the page wrote to its console as errors, and exceptions that nothing caught.
        requests: Addresses that the page asked for, itself included; `data:` and `blob:` are none.
    """

    def __init__(self, width: int = 1280, height: int = 900):
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._size = width, height
        self._profile = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        self._loaded = False
        self._count = 0
        self._buffer = b""
        self._session: str | None = None

    def __enter__(self) -> Self:
        theirs, self._orders = os.pipe()
        self._answers, ours = os.pipe()
        command = [sys.executable, "-c", _LAUNCHER, str(theirs), str(ours), str(CHROMIUM), *_FLAGS]
        command += [f"--user-data-dir={self._profile.name}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, pass_fds=(theirs, ours), **quiet)
        for end in (theirs, ours):
            os.close(end)
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")
        self.resize(*self._size)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self._process.pid)
            for process in (*family.children(recursive=True), family):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.wait()
        for end in (self._orders, self._answers):
            os.close(end)
        self._profile.cleanup()

    def resize(self, width: int, height: int, is_phone: bool = False) -> None:
        """Makes the window as large, and a phone's on request."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def open(self, address: str) -> None:
        """Goes to a page and waits until it has loaded."""
        self._loaded = False
        self._call("Page.navigate", url=address)
        deadline = time.monotonic() + _PATIENCE
        while not self._loaded:
            assert time.monotonic() < deadline, f"{address} does not load"
            self._listen(0.1)

    def evaluate(self, script: str) -> Any:
        """Returns the value of a JavaScript expression; a promise is awaited.

        Raises:
            AssertionError: If the script raises.
        """
        found = self._call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait_for(self, script: str, seconds: float = 20.0) -> Any:
        """Returns the value of a JavaScript expression as soon as it is true.

        Raises:
            AssertionError: If it stays false.
        """
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(script)):
            assert time.monotonic() < deadline, f"{script} stays {value}"
            self._listen(0.1)
        return value

    def move(self, x: float, y: float) -> None:
        """Moves the mouse to a place in the window."""
        self._mouse("mouseMoved", x, y)

    def click(self, x: float, y: float) -> None:
        """Clicks at a place in the window."""
        self.drag((x, y), (x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Presses at one place and lets go at another."""
        self._mouse("mouseMoved", *start)
        self._mouse("mousePressed", *start, button="left", buttons=1, clickCount=1)
        if end != start:
            self._mouse("mouseMoved", *end, button="left", buttons=1)
        self._mouse("mouseReleased", *end, button="left", clickCount=1)

    def screenshot(self, path: Path, is_whole: bool = False) -> None:
        """Writes a PNG of the window, or of the whole page."""
        options = {"captureBeyondViewport": is_whole}
        if is_whole:
            size = self._call("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {**size, "scale": 1}
        found = self._call("Page.captureScreenshot", format="png", **options)
        path.write_bytes(base64.b64decode(found["data"]))

    def print_view(self) -> None:
        """Shows the page as it would be printed, from now on."""
        self._call("Emulation.setEmulatedMedia", media="print")

    def _mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def _call(self, method: str, **params: Any) -> Any:
        """Gives an order and returns its answer; events that come between are kept."""
        self._count += 1
        order: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session:
            order["sessionId"] = self._session
        content = json.dumps(order).encode() + b"\0"
        while content:
            content = content[os.write(self._orders, content) :]
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            for message in self._listen(0.5):
                if message.get("id") == self._count:
                    assert "error" not in message, f"{method}: {message['error']}"
                    return message["result"]
        raise AssertionError(f"Chromium does not answer to {method}")

    def _listen(self, seconds: float) -> list[dict[str, Any]]:
        """Returns what Chromium says within so many seconds, at once if it says something."""
        readable, _, _ = select.select([self._answers], [], [], seconds)
        if readable:
            content = os.read(self._answers, 2**20)
            assert content, "Chromium has ended"
            self._buffer += content
        *texts, self._buffer = self._buffer.split(b"\0")
        messages = [json.loads(text) for text in texts]
        for message in messages:
            self._keep(message.get("method"), message.get("params", {}))
        return messages

    def _keep(self, event: str | None, params: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Network.requestWillBeSent":
            address = params["request"]["url"]
            if not address.startswith(("data:", "blob:")):
                self.requests.append(address)
        elif event == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.errors.append(str([item.get("value") for item in params["args"]]))
        elif event == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
