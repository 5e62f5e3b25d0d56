"""The scripts of the image, run as processes: a Ray node's, and the one that makes databases."""

import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.cluster.deployment import CLUSTER
from tests.postgres import PostgresServer, programs

DRIVER = """
    import signal, sys, time

    def save(*_):
        open(sys.argv[2], "w").write("saved")
        sys.exit()

    signal.signal(signal.SIGTERM, save)
    print("ready", flush=True)
    time.sleep(60)
"""
PASSWORDS = {"study": "5" * 64, "mlflow": "7" * 64}


@pytest.fixture(scope="module")
def server() -> Iterator[sa.URL]:
    """The address of a server on which the script has run."""
    if programs() is None:
        pytest.skip("no PostgreSQL server")
    with tempfile.TemporaryDirectory(prefix="vaesearch-postgres-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        url = sa.make_url(server.url)
        environment = {
            "PATH": f"{programs()}:{os.environ['PATH']}",
            "PGHOST": str(url.host),
            "PGPORT": str(url.port),
            "PGPASSWORD": str(url.password),
            "POSTGRES_USER": str(url.username),
            "VAESEARCH_STUDY_PASSWORD": PASSWORDS["study"],
            "VAESEARCH_MLFLOW_PASSWORD": PASSWORDS["mlflow"],
        }
        subprocess.run([CLUSTER / "postgres-init.sh"], env=environment, check=True)
        yield url
        server.stop()


class TestRayNode:
    @pytest.mark.parametrize("what", ["head", "worker"])
    @pytest.mark.parametrize("given", [{}, {"RAY_AUTH_MODE": "token"}, {"RAY_AUTH_TOKEN": "x"}])
    def test_none_starts_without_a_token(self, what, given):
        result = self.run(what, RAY_HEAD_ADDRESS="127.0.0.1:1", **given)
        assert result.returncode == 1
        assert "set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN" in result.stderr

    def test_it_says_what_it_can_do(self):
        result = self.run("dance")
        assert result.returncode == 2
        assert "head, worker, healthy or save; not dance" in result.stderr

    def test_the_searches_of_its_cluster_are_saved_and_no_others(self, tmp_path):
        program = tmp_path / "vaesearch"
        program.write_text(f"#!{sys.executable}\n{textwrap.dedent(DRIVER)}")
        program.chmod(0o755)
        ours, other = (self.drive(program, tmp_path / name, name) for name in ("ours", "other"))
        try:
            result = self.run("save", RAY_AUTH_TOKEN="ours")
            assert result.returncode == 0, result.stderr
            assert (ours.wait(10), other.poll()) == (0, None)
            assert (tmp_path / "ours").read_text() == "saved"
            assert self.run("save", RAY_AUTH_TOKEN="ours").stdout == ""
        finally:
            for process in (ours, other):
                process.kill()
                process.communicate()

    @pytest.mark.parametrize(
        ("labels", "expected"), [("gpu=h100,zone=a", ["--labels=gpu=h100,zone=a"]), ("", [])]
    )
    def test_a_worker_has_the_labels_it_is_given(self, tmp_path, labels, expected):
        (tmp_path / "ray").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        (tmp_path / "ray").chmod(0o755)
        result = self.run(
            "worker",
            PATH=f"{tmp_path}:{os.environ['PATH']}",
            RAY_AUTH_MODE="token",
            RAY_AUTH_TOKEN="x",
            RAY_HEAD_ADDRESS="10.0.0.5:6379",
            VAESEARCH_LABELS=labels,
        )
        words = result.stdout.splitlines()
        assert [word for word in words if word.startswith("--labels")] == expected
        assert {"start", "--block", "--address=10.0.0.5:6379"} <= set(words)

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], **variables}
        return subprocess.run(
            [CLUSTER / "ray-node.sh", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def drive(self, program: Path, path: Path, token: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [program, "drive", path],
            env={**os.environ, "RAY_AUTH_TOKEN": token},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process


class TestDatabases:
    @pytest.mark.parametrize("role", PASSWORDS)
    def test_each_role_makes_tables_in_its_own_database(self, server, role):
        with self.connected(server, role, role) as connection:
            connection.exec_driver_sql("CREATE TABLE numbers (number integer)")

    @pytest.mark.parametrize(
        ("role", "database"),
        [("study", "mlflow"), ("mlflow", "study"), ("study", "postgres"), ("mlflow", "template1")],
    )
    def test_no_role_gets_into_another(self, server, role, database):
        with pytest.raises(sa.exc.OperationalError, match="permission denied for database"):
            self.connected(server, role, database)

    def test_the_password_is_asked_for(self, server):
        wrong = server.set(username="study", password=PASSWORDS["mlflow"], database="study")
        with pytest.raises(sa.exc.OperationalError, match="password authentication failed"):
            sa.create_engine(wrong, poolclass=sa.NullPool).connect()

    def connected(self, server: sa.URL, role: str, database: str) -> sa.Connection:
        url = server.set(username=role, password=PASSWORDS[role], database=database)
        return sa.create_engine(url, poolclass=sa.NullPool).connect()
