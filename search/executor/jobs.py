"""Jobs of a Ray cluster: a driver that runs on the cluster's head, started from anywhere."""

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, final

from ray.job_submission import JobSubmissionClient

from search.errors import WorkersError

_LOOK_SECONDS: Final = 1.0


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One job, as the cluster knows it.

    Attributes:
        id: Its submission id.
        state: pending, running, stopped, succeeded or failed.
        message: What Ray says of it.
    """

    id: str
    state: str
    message: str

    @property
    def is_active(self) -> bool:
        """Whether it runs, or will."""
        return self.state in ("pending", "running")


@final
class Jobs:
    """The jobs of one cluster.

    Args:
        address: Such as http://10.0.0.5:8265. The token comes from the environment, as Ray's
            own commands take it: RAY_AUTH_MODE=token and RAY_AUTH_TOKEN.

    Raises:
        WorkersError: Of every method, if the cluster does not answer or refuses.
    """

    def __init__(self, address: str):
        logging.getLogger("ray").setLevel(logging.CRITICAL)
        self._address = address
        self._client: Any = None

    def start(self, job_id: str, command: str, metadata: Mapping[str, str]) -> bool:
        """Starts a command on the head as a job; returns False if there is one of that id."""

        def submit(client: Any) -> None:
            client.submit_job(entrypoint=command, submission_id=job_id, metadata=dict(metadata))

        try:
            self._ask(submit)
        except WorkersError as error:
            if self.find(job_id) is None:
                raise error
            return False
        return True

    def find(self, job_id: str) -> Job | None:
        """Returns a job, None if the cluster knows none of that id (its head may be a new one)."""
        known = {job.id: job for job in self.all()}
        return known.get(job_id)

    def all(self) -> list[Job]:
        """Returns every job that was submitted to the cluster since its head was started."""
        details = self._ask(lambda client: client.list_jobs())
        return [
            Job(item.submission_id, str(item.status.value).lower(), item.message or "")
            for item in details
            if item.submission_id is not None
        ]

    def log(self, job_id: str) -> str:
        """Returns what a job has printed so far."""
        return str(self._ask(lambda client: client.get_job_logs(job_id)))

    def follow(self, job_id: str, pause: Callable[[float], None] = time.sleep) -> Iterator[str]:
        """Yields what a job prints, piece by piece, until it has ended."""
        shown = 0
        while True:
            job = self.find(job_id)
            text = self.log(job_id) if job is not None and job.state != "pending" else ""
            if len(text) > shown:
                yield text[shown:]
                shown = len(text)
            if job is None or not job.is_active:
                return
            pause(_LOOK_SECONDS)

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            if self._client is None:
                self._client = JobSubmissionClient(self._address)
            return question(self._client)
        except Exception as error:  # Ray raises its own, those of HTTP, and plain RuntimeError
            raise WorkersError(_refusal(self._address, error)) from error


def _refusal(address: str, error: Exception) -> str:
    text = " ".join(str(error).split())
    if "401" in text or "403" in text or "authentication" in text.lower():
        return (
            f"The cluster at {address} refuses the token. Set RAY_AUTH_TOKEN, or write it into the "
            "file that `secrets` of the cluster's profile names."
        )
    if "connect" in text.lower() or "resolve" in text.lower():
        return f"The cluster at {address} does not answer. Is its head running, the port open?"
    return f"The cluster at {address} refuses: {text[:300]}"
