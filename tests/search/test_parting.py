"""How long a driver that ends waits for workers that do not answer."""

from types import SimpleNamespace

import pytest

from search.errors import LeaseLostError, StoreError
from search.executor import scheduler
from search.executor.scheduler import DeskStopper


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(None, 60), (StoreError("Cannot write."), 60), (LeaseLostError("Another driver."), 10)],
)
def test_workers_have_their_time_unless_another_driver_goes_on(monkeypatch, error, seconds):
    now = [100.0]
    monkeypatch.setattr(scheduler, "time", SimpleNamespace(monotonic=lambda: now[0]))
    nodes = SimpleNamespace(are_all_gone=lambda: False)
    monkeypatch.setattr(scheduler, "NodeWatch", lambda: nodes)
    desk = SimpleNamespace(
        look=lambda: None, keep=lambda num: None, num_wanted=1, is_closed=False, error=error
    )
    stopper = DeskStopper(desk, lambda: 1, lambda num: None)
    assert not stopper.stop_all()
    desk.is_closed = True
    assert not stopper.stop_all()
    now[0] += seconds
    assert not stopper.stop_all()
    now[0] += 0.1
    assert stopper.stop_all()
