"""The service on this machine as a test needs it: every part a process of its own, started by the
script that its container runs, and all of them ended by their ids."""

import contextlib
import dataclasses
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from tests.cluster.deployment import CLUSTER
from tests.postgres import PostgresServer, free_port, programs

_KEPT = ("LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR")
_GRACE_SECONDS = 10.0
_ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)"
_OBJECT_STORE = "--object-store-memory=100000000"


class Service:
    """Processes of one service, and its secrets.

    Args:
        folder: Empty, with a short path: Ray's sockets have room for few letters.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.token, self.administrator = secrets.token_hex(16), secrets.token_hex(16)
        self.passwords = {role: secrets.token_hex(16) for role in ("study", "mlflow")}
        paths = [str(Path(sys.executable).parent), str(programs()), os.environ["PATH"]]
        self.environment = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "PATH": os.pathsep.join(paths),
            "HOME": str(folder / "home"),
            "RAY_USAGE_STATS_ENABLED": "0",  # as the image has them
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        for name in ("home", "logs", "sql", "store", "workspace", "artifacts", "ray"):
            (folder / name).mkdir()
        folder.chmod(0o755)  # PostgreSQL may run as another user
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._seen: set[psutil.Process] = set()

    @property
    def ray_environment(self) -> dict[str, str]:
        """What a Ray node is given, and whoever talks to one."""
        folder = str(self.folder / "ray")
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, "RAY_TMPDIR": folder}

    def start(self, name: str, *command: object, **environment: object) -> None:
        """Starts a part in a process group of its own; what it prints goes to its log."""
        with self.log(name).open("ab") as log:
            self._started[name] = subprocess.Popen(
                [str(word) for word in command],
                env=self._with(environment),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def run(self, *command: object, **environment: object) -> str:
        """Runs a command to its end and returns what it printed; that it fails is an error."""
        result = self.tried(*command, **environment)
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        return result.stdout

    def tried(self, *command: object, **environment: object) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end, which may be a bad one."""
        return subprocess.run(
            [str(word) for word in command],
            env=self._with(environment),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def log(self, name: str) -> Path:
        """Returns where a part's words go."""
        return self.folder / "logs" / f"{name}.log"

    def wait(self, what: str, is_so: Callable[[], Any], seconds: float = 300.0) -> Any:
        """Waits for something to become true, and returns it.

        Raises:
            TimeoutError: If it does not, with the last words of every part.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for name, process in self._started.items():
                assert process.poll() is None, f"{name} ended\n{self._last_words()}"
            if found := is_so():
                return found
            time.sleep(0.3)
        raise TimeoutError(f"{what}: not within {seconds:g} seconds\n{self._last_words()}")

    def processes(self) -> list[psutil.Process]:
        """Returns the parts' processes and all that they started and that still runs."""
        for process in self._started.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                part = psutil.Process(process.pid)
                self._seen |= {part, *part.children(recursive=True)}
        self._seen |= {process for process in psutil.process_iter() if self._is_ours(process)}
        return [process for process in self._seen if process.is_running()]

    def end(self) -> None:
        """Ends everything; at last by force."""
        running = self.processes()
        for process in self._started.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        psutil.wait_procs(running, _GRACE_SECONDS)
        for _ in range(3):  # some may have been about to start another one
            running = self.processes()
            for process in running:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(running, 2)
        for process in self._started.values():
            process.wait(timeout=_GRACE_SECONDS)

    def _is_ours(self, process: psutil.Process) -> bool:
        """Whether a process without its parent is of this service: all of Ray's know its folder."""
        try:
            return any(f"{self.folder}/ray/" in word for word in process.cmdline())
        except psutil.Error:
            return False

    def _with(self, environment: Mapping[str, object]) -> dict[str, str]:
        return {**self.environment, **{name: str(value) for name, value in environment.items()}}

    def _last_words(self) -> str:
        logs = sorted((self.folder / "logs").iterdir())
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in logs)


@contextlib.contextmanager
def running_service() -> Iterator[Service]:
    """Yields a service of which nothing runs yet, and ends it, whatever has happened."""
    folder = Path(tempfile.mkdtemp(prefix="vs-"))
    service = Service(folder)
    try:
        yield service
    finally:
        service.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_databases(service: Service) -> Iterator[sa.URL]:
    """Yields the address of a PostgreSQL server with the two databases of postgres-init.sh."""
    server = PostgresServer(service.folder / "sql")
    server.start()
    try:
        url = sa.make_url(server.url)
        service.run(
            CLUSTER / "postgres-init.sh",
            PGHOST=url.host,
            PGPORT=url.port,
            PGPASSWORD=url.password,
            POSTGRES_USER=url.username,
            VAESEARCH_STUDY_PASSWORD=service.passwords["study"],
            VAESEARCH_MLFLOW_PASSWORD=service.passwords["mlflow"],
        )
        yield url
    finally:
        server.stop()


def role_url(service: Service, server: sa.URL, role: str) -> sa.URL:
    """Returns the address of a role's database, with its password."""
    return server.set(username=role, password=service.passwords[role], database=role)


def start_mlflow(
    service: Service, url_of: Callable[[str], sa.URL], port: int, *before: str
) -> None:
    """Starts MLflow by migrate.sh and mlflow-server.sh, in a command where one is given, and waits
    until it answers.

    Args:
        service: Its parts.
        url_of: Returns the address of a role's database.
        port: Of 127.0.0.1.
        before: Such as `ip netns exec NAME`.
    """
    study, mlflow = url_of("study"), url_of("mlflow")._replace(password=None)
    environment = {
        "MLFLOW_BACKEND_STORE_URI": mlflow.render_as_string(),
        "PGPASSWORD": service.passwords["mlflow"],
        "MLFLOW_AUTH_ADMIN_USERNAME": "vaesearch",
        "MLFLOW_AUTH_ADMIN_PASSWORD": service.administrator,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
        "MLFLOW_CRYPTO_KEK_PASSPHRASE": secrets.token_hex(16),
        "MLFLOW_ARTIFACTS": service.folder / "artifacts",
        "MLFLOW_HOSTS": "127.0.0.1,localhost",
        "MLFLOW_LISTEN": "127.0.0.1",
        "MLFLOW_PORT": port,
    }
    environment["VAESEARCH_STUDY_URL"] = study.render_as_string(hide_password=False)
    service.run(CLUSTER / "migrate.sh", **environment)
    service.start("mlflow", *before, CLUSTER / "mlflow-server.sh", **environment)
    ask = [*before, "python", "-c", _ASK, f"http://127.0.0.1:{port}/health"]
    service.wait("MLflow", lambda: service.tried(*ask).returncode == 0)


@dataclasses.dataclass(frozen=True)
class RayPorts:
    """Ports of a head's own processes, and the base of those that every node has."""

    gcs: int
    jobs: int
    client: int
    base: int

    @classmethod
    def free(cls, num_nodes: int) -> "RayPorts":
        """Returns ports of 127.0.0.1 on which nobody listens now."""
        # Below those that smoke.sh takes, and below those that systems hand out by themselves.
        bases = [6390 + 10 * step for step in range(10 - num_nodes)]
        while bases:
            base = secrets.choice(bases)
            first_worker = 10002 + (base - 6380) * 100
            wanted = [base + 10 * node + port for node in range(num_nodes) for port in range(8)]
            wanted += [first_worker + 1000 * node for node in range(num_nodes)]
            if all(map(is_free, wanted)):
                return cls(free_port(), free_port(), free_port(), base)
            bases.remove(base)
        raise RuntimeError("no free ports for Ray")


def start_head(
    service: Service, address: str, ports: RayPorts, *before: str, **environment: object
) -> None:
    """Starts a Ray head by ray-node.sh, in a command such as `ip netns exec` where one is given."""
    service.start(
        "head",
        *before,
        CLUSTER / "ray-node.sh",
        "head",
        f"--temp-dir={service.folder}/ray",
        _OBJECT_STORE,
        **service.ray_environment,
        RAY_NODE_IP=address,
        RAY_GCS_PORT=ports.gcs,
        RAY_JOBS_PORT=ports.jobs,
        RAY_CLIENT_PORT=ports.client,
        RAY_PORT_BASE=ports.base,
        RAY_JOB_STOP_SIGNAL="SIGINT",
        RAY_JOB_STOP_WAIT_TIME_S=60,
        **environment,
    )


def start_node(
    service: Service, name: str, address: str, head: str, base: int, *before: str
) -> None:
    """Starts a Ray node of one CPU that comes back when it has ended, as a container would."""
    service.start(
        name,
        *before,
        "bash",
        "-c",
        'until false; do "$@"; sleep 1; done',
        "node",
        CLUSTER / "ray-node.sh",
        "worker",
        f"--temp-dir={service.folder}/{name}",  # each machine has its own
        "--num-cpus=1",
        _OBJECT_STORE,
        **service.ray_environment,
        RAY_NODE_IP=address,
        RAY_PORT_BASE=base,
        RAY_HEAD_ADDRESS=head,
        VAESEARCH_STORE=service.folder / "store",
    )


def is_free(port: int) -> bool:
    """Returns whether nobody listens on a port, on any address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
