"""For how many trials more a search asks a cluster that can grow."""

import pytest

from search.executor import slots
from search.executor.slots import Slots
from search.sections import ResourcesSection
from search.shares import Claim, Node


class Lease:
    """That of a search which is alone on its cluster."""

    search_id = "id"

    def exchange_claims(self, claim):
        return {}


class Wish:
    def __init__(self, resources):
        self.held = []

    def hold(self, num):
        self.held.append(num)


@pytest.fixture
def growing(monkeypatch):
    """Slots of a search on a cluster with room for one trial, which can grow."""
    monkeypatch.setattr(slots, "living_nodes", lambda: [Node("a", 1.0, 0.0)])
    monkeypatch.setattr(slots, "can_grow", lambda: True)
    monkeypatch.setattr(slots, "Wish", Wish)
    monkeypatch.setattr(
        slots,
        "claim_of",
        lambda resources, search, wanted, aside=(): Claim(
            search, "c", 1.0, wanted, resources.cpus, 0.0, {}, list(aside)
        ),
    )
    return Slots(ResourcesSection(), is_shared=True)


def test_nothing_is_asked_for_before_it_is_known_what_is_wanted(growing):
    growing.look(Lease())
    assert growing() == 1
    assert growing._wish.held == [0]


@pytest.mark.parametrize(("wanted", "held"), [(0, 0), (1, 0), (3, 2), (5, 4), (50, 4)])
def test_as_much_as_is_lacking_a_few_at_a_time(growing, wanted, held):
    growing.note_wanted(wanted)
    growing.look(Lease())
    assert growing() <= 1  # what is asked for is no share
    assert growing._wish.held == [held]


def test_nothing_of_a_cluster_that_cannot_grow(growing, monkeypatch):
    monkeypatch.setattr(slots, "can_grow", lambda: False)
    growing.note_wanted(50)
    growing.look(Lease())
    assert growing._wish.held == [0]


def test_other_nodes_may_be_used_where_the_share_is_more_than_fits_on_some(growing, monkeypatch):
    nodes = [Node("a", 1.0, 0.0), Node("b", 2.0, 0.0)]
    monkeypatch.setattr(slots, "living_nodes", lambda: nodes)
    growing.note_wanted(50)
    growing.look(Lease())
    assert growing() == 3
    assert growing.has_room_beside({"a"})
    assert growing.has_room_beside({"b"})
    assert not growing.has_room_beside({"a", "b"})
    growing.note_wanted(1)  # that one may be all that others have left on `a`
    growing.look(Lease())
    assert not growing.has_room_beside({"a"})
