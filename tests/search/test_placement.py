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


class TestSuspects:
    """Nodes on which trials fail, while it is not known yet if they alone do."""

    @pytest.fixture
    def placement(self, told):
        def has_room_beside(nodes):
            return bool({"a", "b"} - nodes)

        return Placement(ResourcesSection(), lambda *what: told.append(what), has_room_beside)

    def fail(self, placement, node):
        for _ in range(3):
            placement.failed(node, 0.001, "no CUDA")

    def test_others_are_tried_before_more_fail(self, placement, told):
        placement.failed("a", 0.001, "no CUDA")
        placement.failed("a", 0.001, "no CUDA")
        assert selector(placement) is None
        placement.failed("a", 0.001, "no CUDA")
        assert selector(placement) == [{"ray.io/node-id": "!in(a)"}]
        assert told == []
        placement.went_well("b")
        assert told == [("a", "no CUDA")]
        assert selector(placement) == [{"ray.io/node-id": "!in(a)"}]

    def test_where_all_of_them_fail_none_is_avoided(self, placement, told):
        self.fail(placement, "a")
        self.fail(placement, "b")
        assert selector(placement) is None
        assert told == []

    def test_one_on_which_a_trial_goes_well_is_none(self, placement):
        self.fail(placement, "a")
        placement.went_well("a")
        assert selector(placement) is None

    def test_the_only_node_that_is_left_is_used(self, placement):
        self.fail(placement, "a")
        placement.went_well("b")
        self.fail(placement, "b")
        assert selector(placement) == [{"ray.io/node-id": "!in(a)"}]


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
