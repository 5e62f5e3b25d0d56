"""A real search that twelve faults of the field hit, one by one, and that still ends well."""

import pytest

from tests.chaos.run import run

pytestmark = pytest.mark.slow(minutes=9)


def test_a_search_survives_whatever_happens(capsys):
    with capsys.disabled():
        found = run(num_faults=12, seed=7)
    assert sum(found["faults"].values()) == 12
    assert found["workers killed"] == found["faults"]["kill_worker"] == 1
    assert found["trials"] >= 30
    assert {"complete", "pruned", "failed"} <= set(found)
