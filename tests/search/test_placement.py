"""Where attempts run: nodes on which one after another fails at once get no more of them."""

import pytest

from search.executor.placement import Placement
from search.sections import ResourcesSection


@pytest.fixture
def told():
    return []


@pytest.fixture
def placement(told):
    return Placement(ResourcesSection(), lambda *what: told.append(what))


def selector(placement, **options):
    return placement.request(**options)._bound.kwargs.get("bundle_label_selector")


class TestSetAside:
    def test_a_node_where_three_fail_at_once_while_another_works(self, placement, told):
        for _ in range(3):
            assert told == []
            placement.failed("bad", 2.0, "no CUDA")
        placement.went_well("good")
        assert told == [("bad", "no CUDA")]
        assert selector(placement) == [{"ray.io/node-id": "!in(bad)"}]

    def test_where_every_node_fails_the_study_is_at_fault(self, placement, told):
        for node in ("a", "b") * 5:
            placement.failed(node, 1.0, "diverged")
        assert told == []
        placement.went_well("a")  # now it is clear that `b` is
        assert told == [("b", "diverged")]

    def test_a_success_between_forgives(self, placement, told):
        placement.went_well("other")
        for _ in range(5):
            placement.failed("a", 1.0, "x")
            placement.failed("a", 1.0, "x")
            placement.went_well("a")
        assert told == []

    def test_slow_failures_are_the_trials(self, placement, told):
        placement.went_well("other")
        for _ in range(9):
            placement.failed("a", 600.0, "diverged")
        assert told == []

    def test_the_last_good_node_stays(self, placement, told):
        for node in ("a", "a", "a"):
            placement.failed(node, 1.0, "x")
        placement.went_well("b")
        for node in ("b", "b", "b"):
            placement.failed(node, 1.0, "x")
        assert told == [("a", "x")]

    def test_a_success_of_another_node_long_ago_says_nothing(self, placement, told):
        placement.went_well("other")
        for _ in range(9):
            placement.failed("a", 1.0, "x")
        assert told == []


class TestRequest:
    def test_nothing_special_is_asked_for_by_default(self, placement):
        assert selector(placement) is None

    def test_labels_of_the_study(self):
        resources = ResourcesSection(gpus=0.25, labels={"gpu": "h100"})
        placement = Placement(resources)
        assert selector(placement) == [{"gpu": "h100"}]
        assert placement.request().bundles == [{"CPU": 1.0, "GPU": 0.25}]

    def test_one_that_ran_out_of_memory_gets_a_gpu_for_itself(self):
        placement = Placement(ResourcesSection(gpus=0.25))
        assert placement.request(is_alone=True).bundles == [{"CPU": 1.0, "GPU": 1.0}]
