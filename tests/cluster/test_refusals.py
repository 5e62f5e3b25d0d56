"""Who has no token gets nothing of Ray, on any port that is really listened on: tried."""

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster.service import (
    RayPorts,
    Service,
    running_service,
    start_head,
    start_node,
)
from tests.cluster.trying import grpc_answer, http_answer, job, listening

pytestmark = pytest.mark.slow

# Ray takes "127.0.0.1" for "whatever address this machine has"; these are as local.
HEAD, NODE = "127.0.0.2", "127.0.0.3"
GIVEN = {HEAD, NODE, "127.0.0.1"}
METRICS = ("metrics", "autoscaler metrics", "dashboard metrics")  # the last two on the head alone
# Ray binds these to every interface, whatever address a node is given: only a firewall, or a
# container's own network, keeps others from them. They ask for the token all the same.
EVERYWHERE = {"gcs", "node manager", "object manager", "agent gRPC", "worker", *METRICS}
PER_NODE = ("node manager", "object manager", "agent gRPC", "environments", "agent HTTP", "metrics")
GRPC = {
    "gcs": ["NodeInfoGcsService/GetAllNodeInfo", "InternalKVGcsService/InternalKVKeys"],
    "client": ["RayletDriver/ClusterInfo", "RayletDriver/Init"],
    "node manager": ["NodeManagerService/GetSystemConfig", "NodeManagerService/GetNodeStats"],
    "object manager": ["ObjectManagerService/Pull"],
    "agent gRPC": ["ReporterService/GetTraceback", "LogService/ListLogs"],
    "worker": ["CoreWorkerService/GetCoreWorkerStats", "CoreWorkerService/PushTask"],
}
HTTP = {
    "jobs": [
        "/api/jobs/",
        "/api/version",
        "/api/cluster_status",
        "/nodes?view=summary",
        "/logs",
        f"/api/v0/logs?node_ip={HEAD}",
        f"/api/v0/logs/file?node_ip={HEAD}&filename=gcs_server.out",
        "/log_proxy?url=http://127.0.0.1:1",
        "/events",
        "/api/actors/kill",
        "/worker/traceback?pid=1",
        "/static/../api/jobs/",
        "/static/..%2fapi/jobs/",
        "/metrics",
    ],
    "environments": ["/", "/get_or_create_runtime_env", "/delete_runtime_env_if_possible"],
    "agent HTTP": ["/", "/api/job_agent/jobs/", "/logs", "/metrics", "/api/gcs_healthz"],
}
# What answers anybody: whether a process is well, the dashboard's empty page, and its question
# for the token. Where metrics are, every path is the metrics.
OPEN = {
    "jobs": ["/", "/favicon.ico", "/api/authentication_mode", "/api/gcs_healthz"],
    "agent HTTP": ["/api/healthz", "/api/local_raylet_healthz"],
    **{name: ["/", "/metrics", "/api/jobs/", "/logs"] for name in METRICS},
}
PARTS = {*GRPC, *HTTP, *OPEN}
HEALTH = "/grpc.health.v1.Health/Check"  # of gRPC servers, which answers with one word
HOLD = """
import pathlib, sys, time, ray
ray.init(address="auto", log_to_driver=False)
class Held:
    def ready(self): return True
held = ray.remote(num_cpus=1)(Held).remote()
ray.get(held.ready.remote())
pathlib.Path(sys.argv[1]).touch()
time.sleep(3600)
"""
JOIN = "import ray, sys; ray.init(address=sys.argv[1]); print('joined', ray.nodes())"


@dataclasses.dataclass(frozen=True)
class Place:
    """The service, and where its parts listen: name -> addresses and ports."""

    service: Service
    ports: RayPorts
    listeners: dict[str, list[tuple[str, int]]]

    @property
    def jobs(self) -> str:
        """Address of the Jobs API."""
        return f"http://{HEAD}:{self.ports.jobs}"

    def reached(self, name: str) -> list[str]:
        """Returns where a client of this machine reaches a part, as host:port."""
        found = self.listeners[name]
        return [f"{ip if ip in GIVEN else NODE}:{port}" for ip, port in found]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with running_service() as service:
        ports = RayPorts.free(num_nodes=2)
        start_head(service, HEAD, ports)
        place = Place(service, ports, {})
        service.wait("the head", lambda: http_answer(f"{place.jobs}/api/gcs_healthz")[0] == 200)
        start_node(service, "node", NODE, f"{HEAD}:{ports.gcs}", ports.base + 10)
        # Submitted with the token, it shows that a job is run, and has a worker listen.
        held = service.folder / "held"
        script = service.folder / "hold.py"
        script.write_text(HOLD)
        hold = job(f"python {script} {held}")

        def is_submitted() -> bool:
            return http_answer(f"{place.jobs}/api/jobs/", hold, token=service.token)[0] == 200

        service.wait("the Jobs API", is_submitted)
        service.wait("a worker", held.exists, 300)
        service.wait("every port", lambda: PARTS <= listeners(service, ports).keys())
        yield dataclasses.replace(place, listeners=listeners(service, ports))


def listeners(service: Service, ports: RayPorts) -> dict[str, list[tuple[str, int]]]:
    """Returns where processes of the service listen; a port that nobody told us is `unknown`."""
    names = {ports.gcs: "gcs", ports.jobs: "jobs", ports.client: "client"}
    names |= {ports.base + 6: "autoscaler metrics", ports.base + 7: "dashboard metrics"}
    for base in (ports.base, ports.base + 10):
        names |= {base + offset: name for offset, name in enumerate(PER_NODE)}
    first_worker = 10002 + (ports.base - 6380) * 100
    names |= {port: "worker" for port in range(first_worker, first_worker + 1998)}
    found: dict[str, set[tuple[str, int]]] = {}
    for command, (ip, port) in listening(service.processes()):
        found.setdefault(names.get(port, f"unknown {port} {command}"), set()).add((ip, port))
    return {name: sorted(where) for name, where in found.items()}


class TestPorts:
    def test_every_port_is_known_and_tried(self, place):
        assert place.listeners.keys() == PARTS
        assert all(len({port for _, port in place.listeners[name]}) == 2 for name in PER_NODE)

    def test_only_the_given_address_is_listened_on_but_where_ray_knows_no_other(self, place):
        everywhere = {
            name for name, found in place.listeners.items() for ip, _ in found if ip not in GIVEN
        }
        assert everywhere == EVERYWHERE

    @pytest.mark.parametrize("name", GRPC)
    @pytest.mark.parametrize("token", [None, "", "0" * 32])
    def test_grpc_wants_the_token(self, place, name, token):
        for where in place.reached(name):
            for method in GRPC[name]:
                answer = grpc_answer(where, f"/ray.rpc.{method}", token)
                assert answer == "UNAUTHENTICATED", (where, method)

    @pytest.mark.parametrize("name", GRPC)
    def test_it_is_the_token_that_is_missing(self, place, name):
        for where in place.reached(name):
            answer = grpc_answer(where, f"/ray.rpc.{GRPC[name][0]}", place.service.token)
            assert answer not in ("UNAUTHENTICATED", "UNIMPLEMENTED", "UNAVAILABLE"), where

    @pytest.mark.parametrize("name", GRPC)
    def test_health_of_grpc_servers_says_one_word(self, place, name):
        answers = {grpc_answer(where, HEALTH) for where in place.reached(name)}
        assert answers <= {b"\x08\x01", "UNIMPLEMENTED"}  # SERVING

    @pytest.mark.parametrize(("name", "path"), [(n, p) for n in HTTP for p in HTTP[n]])
    def test_http_wants_the_token(self, place, name, path):
        for where in place.reached(name):
            for method in ("GET", "POST", "PUT", "DELETE"):
                body = b"{}" if method in ("POST", "PUT") else None
                none = http_answer(f"http://{where}{path}", body, method=method)
                wrong = http_answer(f"http://{where}{path}", body, method=method, token="0" * 32)
                assert {none[0], wrong[0]} <= {401, 403, 404, 405}, (where, method)
                assert len(none[1]) < 100

    @pytest.mark.parametrize("name", OPEN)
    def test_what_is_open_tells_no_secret(self, place, name):
        service = place.service
        hidden = [service.token, service.administrator, *service.passwords.values()]
        for where in place.reached(name):
            for path in OPEN[name]:
                status, body = http_answer(f"http://{where}{path}")
                assert status == 200
                assert not any(secret in body for secret in hidden)
                if name == "agent HTTP":
                    assert body.startswith(("raylet: success", "success"))
                if name in METRICS:
                    assert body.startswith("# HELP ")


class TestJobs:
    def test_one_that_is_submitted_without_the_token_never_runs(self, place):
        forbidden, allowed = place.service.folder / "forbidden", place.service.folder / "allowed"
        agents = [f"http://{where}/api/job_agent/jobs/" for where in place.reached("agent HTTP")]
        for url in (f"{place.jobs}/api/jobs/", *agents):
            for token in (None, "", "0" * 32):
                status, _ = http_answer(url, job(f"touch {forbidden}"), token=token)
                assert status in (401, 403), url
            status, _ = http_answer(url, job(f"touch {forbidden}"), Cookie="ray-auth-token=x")
            assert status in (401, 403), url
        token = place.service.token
        status, _ = http_answer(f"{place.jobs}/api/jobs/", job(f"touch {allowed}"), token=token)
        assert status == 200
        place.service.wait("the job that may run", allowed.exists)
        assert not forbidden.exists()
        _, listed = http_answer(f"{place.jobs}/api/jobs/", token=token)
        assert str(allowed) in listed
        assert str(forbidden) not in listed

    def test_nobody_joins_without_the_token(self, place):
        wrong = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 32}
        gcs, client = f"{HEAD}:{place.ports.gcs}", f"ray://{HEAD}:{place.ports.client}"

        def join(address: str, given: dict[str, str]) -> tuple[int, str, str]:
            result = place.service.tried("python", "-c", JOIN, address, **given)
            return result.returncode, result.stdout, result.stderr

        with ThreadPoolExecutor() as pool:  # Ray tries for long
            answers = list(pool.map(join, (gcs, gcs, client), ({}, wrong, wrong)))
        assert [(status, out) for status, out, _ in answers] == [(1, "")] * 3
        assert "AuthenticationError: " in answers[0][2]
        assert "AuthenticationError: " in answers[1][2]
        assert "ConnectionError: " in answers[2][2]  # all that its client makes of a refusal
