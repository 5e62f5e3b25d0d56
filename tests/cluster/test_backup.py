"""What cluster/README.md says to copy and paste: a backup that can be restored, a job script."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from search.study.database import open_database
from search.study.reader import StudyReader
from search.study.searches import create_search
from tests.cluster.deployment import CLUSTER, checked
from tests.cluster.service import Service, role_url, running_databases, running_service
from tests.contracts.study_driver import Driver, measured
from tests.postgres import programs
from tests.search.examples import make_study

README: Final = (CLUSTER / "README.md").read_text(encoding="utf-8")


def test_the_job_script_is_linted(tmp_path: Path) -> None:
    (script,) = re.findall(r"```sh\n(.*?)```", README, re.S)
    path = tmp_path / "job.sh"
    path.write_text(script)
    checked("shellcheck", "--exclude=SC1091", path)  # what is sourced is the user's


def tool(name: str) -> str:
    """Returns a command of the README, with the loop's `$name` in it."""
    (found,) = re.findall(rf"PGPASSWORD=\\\$POSTGRES_PASSWORD ({name} [^\"]+)\"", README)
    return str(found)


@pytest.fixture
def service() -> Iterator[Service]:
    if programs() is None:
        pytest.skip("no PostgreSQL server")
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with running_service() as service:
        yield service


@pytest.mark.slow
def test_what_was_dumped_is_there_after_a_restore_on_a_new_server(service: Service) -> None:
    def run(command: str, server: sa.URL, given: bytes = b"") -> bytes:
        place = {"PGHOST": server.host, "PGPORT": server.port, "PGPASSWORD": server.password}
        environment = {**service.environment, **{k: str(v) for k, v in place.items()}}
        words = ["sh", "-c", command.replace("-U postgres", f"-U {server.username}")]
        environment["name"] = "study"
        done = subprocess.run(
            words, env=environment, input=given, stdout=subprocess.PIPE, check=True
        )
        return done.stdout

    def url_on(server: sa.URL) -> str:
        return role_url(service, server, "study").render_as_string(hide_password=False)

    with running_databases(service) as old:
        engine = open_database(url_on(old))
        create_search(engine, make_study(name="kept"), {})
        driver = Driver(url_on(old), "kept")
        trial = driver.writer.new_trial()
        driver.writer.record(trial.number, driver.writer.start_attempt(trial), [measured(1, 7.0)])
        driver.close()
        engine.dispose()
        dump = run(tool("pg_dump"), old)
    with tempfile.TemporaryDirectory(prefix="vs-", dir=service.folder) as folder:
        service.folder = Path(folder)  # another server, with the same secrets
        service.folder.chmod(0o755)
        (service.folder / "sql").mkdir()
        with running_databases(service) as new:
            run(tool("pg_restore"), new, dump)
            engine = open_database(url_on(new))
            (found,) = StudyReader(engine, "kept").trials()
            assert [m.metrics["fid"] for m in found.measurements] == [7.0]
            create_search(engine, make_study(name="next"), {})  # its role may still write
            engine.dispose()
