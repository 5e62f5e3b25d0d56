"""Who has no password gets nothing of PostgreSQL and MLflow; who has one stays in their folder."""

import dataclasses
import functools
import json
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy as sa

from tests.cluster.service import (
    Service,
    role_url,
    running_databases,
    running_service,
    start_mlflow,
)
from tests.cluster.trying import account, http_answer, listening, routes
from tests.postgres import free_port, programs

pytestmark = pytest.mark.slow

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
AJAX = "/ajax-api/2.0/mlflow-artifacts/artifacts"
# What answers anybody: whether it runs and how it is set up, and the files of its pages.
OPEN = re.compile(r"/health|/(api|ajax-api)/3\.0/mlflow/server-info|/static-files/.*")
OUTSIDE = [
    "../x",
    "../../x",
    "1/../../x",
    "..%2fx",
    "..%2F..%2Fx",
    "%2e%2e/x",
    "%2e%2e%2fx",
    "%252e%252e%252fx",
    "1/%2e%2e/%2e%2e/x",
    "%2ftmp%2fvaesearch-x",
    "/tmp/vaesearch-x",
    "file:///tmp/vaesearch-x",
]


@dataclasses.dataclass(frozen=True)
class Place:
    """The databases and MLflow, and the account that may use it."""

    service: Service
    server: sa.URL
    port: int

    @property
    def url(self) -> str:
        """Address of MLflow."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def right(self) -> str:
        """What the administrator shows MLflow."""
        return account("vaesearch", self.service.administrator)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    if programs() is None:
        pytest.skip("no PostgreSQL server")
    with running_service() as service, running_databases(service) as server:
        port = free_port()
        start_mlflow(service, functools.partial(role_url, service, server), port)
        yield Place(service, server, port)


class TestPorts:
    def test_there_are_two_and_both_are_on_loopback(self, place):
        pid = Path(place.service.folder, "sql", "data", "postmaster.pid").read_text().split()[0]
        processes = [*place.service.processes(), psutil.Process(int(pid))]
        found = {where for _, where in listening(processes)}
        assert found == {("127.0.0.1", place.port), ("127.0.0.1", place.server.port)}


class TestPostgres:
    @pytest.mark.parametrize("role", ["study", "mlflow", "vaesearch", "postgres"])
    def test_every_role_is_asked_for_its_password(self, place, role):
        where = {"host": "127.0.0.1", "port": place.server.port, "user": role}
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(**where, dbname="postgres", passfile="/nowhere")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(**where, dbname="postgres", password="0" * 32)

    @pytest.mark.parametrize("role", ["study", "mlflow"])
    def test_no_role_gets_into_another_database(self, place, role):
        for database in {"study", "mlflow", "postgres", "template1"} - {role}:
            url = role_url(place.service, place.server, role).set(database=database)
            with pytest.raises(sa.exc.OperationalError, match="permission denied for database"):
                sa.create_engine(url, poolclass=sa.NullPool).connect()


class TestMlflow:
    def test_every_route_asks_for_the_password(self, place):
        found = routes(f"sqlite:///{place.service.folder / 'routes.db'}")
        found += [("GET", "/signup"), ("POST", "/api/2.0/mlflow/users/create"), ("GET", "/docs")]
        assert len(found) > 400
        given = []
        for method, path in found:
            body = b"{}" if method in ("POST", "PUT", "PATCH") else None
            status, _ = http_answer(place.url + path, body, method=method)
            if status != 401 and not OPEN.fullmatch(path) and method != "OPTIONS":
                given.append((status, method, path))
        assert given == []

    def test_a_wrong_password_is_none(self, place):
        words = [account("vaesearch", "wrong"), account("nobody", place.service.administrator)]
        words += [account("vaesearch", ""), account("admin", "password1234")]
        for word in words:
            for method, path in (
                ("POST", "/api/2.0/mlflow/experiments/search"),
                ("POST", "/api/2.0/mlflow/runs/create"),
                ("GET", "/"),
                ("PUT", f"{ARTIFACTS}/1/wrong"),
                ("GET", f"{ARTIFACTS}?path=."),
                ("POST", "/v1/traces"),
            ):
                body = None if method == "GET" else b'{"experiment_id": "0", "max_results": 1}'
                answer = http_answer(place.url + path, body, method=method, Authorization=word)
                assert answer[0] == 401, (word, path, answer)
        assert not list(place.service.folder.rglob("wrong"))

    @pytest.mark.parametrize("word", ["Basic x", "Bearer x", "Basic", "Digest username=vaesearch"])
    def test_what_is_no_password_opens_nothing(self, place, word):
        url = f"{place.url}/api/2.0/mlflow/experiments/search"
        answer = http_answer(url, b'{"max_results": 1}', Authorization=word)
        assert answer[0] in (401, 500)  # MLflow stumbles over some
        assert "experiment" not in answer[1]

    def test_what_is_open_tells_no_secret(self, place):
        service = place.service
        hidden = [service.administrator, *service.passwords.values(), str(service.folder)]
        for path in ("/health", "/api/3.0/mlflow/server-info"):
            status, body = http_answer(place.url + path)
            assert status == 200
            assert not any(secret in body for secret in hidden), body

    def test_it_answers_only_by_its_names(self, place):
        for host in ("evil.example", "169.254.169.254", f"evil.example:{place.port}"):
            for path in ("/", "/api/2.0/mlflow/experiments/search", f"{ARTIFACTS}?path=."):
                answer = http_answer(place.url + path, Host=host, Authorization=place.right)
                assert answer[0] == 403, (host, path, answer)

    def test_another_site_may_change_nothing(self, place):
        body = json.dumps({"name": "stolen"}).encode()
        path = f"{place.url}/api/2.0/mlflow/experiments/create"
        foreign = {"Origin": "http://evil.example", "Authorization": place.right}
        assert http_answer(path, body, **foreign)[0] == 403


class TestArtifacts:
    def test_one_goes_into_the_folder_and_comes_back(self, place):
        url = f"{place.url}{ARTIFACTS}/1/inside/x.txt"
        assert http_answer(url, b"ours", method="PUT", Authorization=place.right)[0] == 200
        assert (place.service.folder / "artifacts" / "1" / "inside" / "x.txt").read_text() == "ours"
        assert http_answer(url, Authorization=place.right) == (200, "ours")
        assert http_answer(url)[0] == 401

    @pytest.mark.parametrize("base", [ARTIFACTS, AJAX])
    @pytest.mark.parametrize("path", OUTSIDE)
    def test_none_leaves_the_folder(self, place, base, path):
        folder = place.service.folder
        before = files(folder)
        url = f"{place.url}{base}/{path}"
        # A path with two slashes is sent to the one with a single one, which is inside.
        redirect = {308} if urllib.parse.unquote(path).startswith("/") else set()
        for word in (None, place.right):
            given = {} if word is None else {"Authorization": word}
            for method in ("PUT", "GET", "DELETE"):
                body = b"stolen" if method == "PUT" else None
                status, _ = http_answer(url, body, method=method, **given)
                assert status in redirect or 400 <= status < 500, (method, word, status)
            for kind in ("mpu/create", "mpu/complete", "mpu/abort", "presigned"):
                several = url.replace("artifacts/artifacts", f"artifacts/{kind}")
                status, _ = http_answer(several, b'{"num_parts": 1}', **given)
                assert status in redirect or status >= 400, kind
        assert files(folder) == before
        assert not Path("/tmp/vaesearch-x").exists()

    def test_a_backslash_is_a_letter(self, place):
        url = f"{place.url}{ARTIFACTS}/..%5c..%5cx"
        assert http_answer(url, b"ours", method="PUT", Authorization=place.right)[0] == 200
        assert (place.service.folder / "artifacts" / r"..\..\x").is_file()

    @pytest.mark.parametrize("path", ["..", "../sql", "%2e%2e", "%2e%2e%2fsql", "/etc", "1/../.."])
    def test_no_other_folder_is_listed(self, place, path):
        status, body = http_answer(f"{place.url}{ARTIFACTS}?path={path}", Authorization=place.right)
        assert 400 <= status < 500, body


def files(folder: Path) -> set[Path]:
    """Returns everything in a service's folder but what its databases and logs write."""
    own = {"sql", "logs", "home"}
    return {path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in own}
