"""Shares of a cluster: what a driver works out from what all of them claim."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.shares import Claim, Node, fair_share, num_slots

EIGHT = (Node("a", 4), Node("b", 4))


def shares(*claims: Claim, nodes=EIGHT) -> list[int]:
    """Returns what each driver works out for itself."""
    others = [[other for other in claims if other is not claim] for claim in claims]
    return [fair_share(own, rest, nodes) for own, rest in zip(claims, others, strict=True)]


def claim(name: str, wanted: int = 100, weight: float = 1, **more) -> Claim:
    return Claim(name, more.pop("cluster", "one"), weight, wanted, **more)


class TestFairShare:
    def test_a_search_alone_gets_everything(self):
        assert shares(claim("a")) == [8]

    def test_equals_share_equally(self):
        assert shares(claim("a"), claim("b")) == [4, 4]

    def test_what_cannot_be_divided_goes_to_the_first_by_name(self):
        assert shares(claim("b"), claim("a"), nodes=[Node("x", 7)]) == [3, 4]

    def test_weights_count(self):
        assert shares(claim("a", weight=3), claim("b", weight=1)) == [6, 2]

    def test_what_one_leaves_is_the_others(self):
        assert shares(claim("a", wanted=1), claim("b"), claim("c")) == [1, 4, 3]

    def test_one_that_wants_nothing_gets_nothing(self):
        assert shares(claim("a", wanted=0), claim("b")) == [0, 8]

    def test_trials_of_another_size_are_counted_by_what_they_take(self):
        assert shares(claim("a"), claim("b", cpus=2.0)) == [4, 2]

    def test_everyone_gets_at_least_one(self):
        crowd = [claim(name) for name in "abcd"]
        assert shares(*crowd, nodes=[Node("x", 2)]) == [1, 1, 1, 1]

    def test_drivers_of_other_clusters_take_nothing(self):
        assert shares(claim("a"), claim("b", cluster="two")) == [8, 8]

    def test_searches_on_different_nodes_do_not_compete(self):
        nodes = [Node("a", 4, labels={"zone": "x"}), Node("b", 4, labels={"zone": "y"})]
        both = [claim("a", labels={"zone": "x"}), claim("b", labels={"zone": "y"})]
        assert shares(*both, nodes=nodes) == [4, 4]

    def test_a_search_without_gpus_takes_what_needs_none_first(self):
        nodes = [Node("cpu", 16), Node("gpu", 8, gpus=4)]
        # Cores of the GPU's node count like all others: 21 of 24 against 3 of 4 GPUs.
        assert shares(claim("a"), claim("b", gpus=1.0), nodes=nodes) == [21, 3]
        assert shares(claim("a", wanted=16), claim("b", gpus=1.0), nodes=nodes) == [16, 4]

    def test_a_node_that_one_has_set_aside_is_the_others(self):
        assert shares(claim("a", set_aside=["b"]), claim("b")) == [4, 4]
        assert shares(claim("a", set_aside=["b"])) == [4]

    def test_parts_of_a_gpu_never_reach_over_two(self):
        assert num_slots(claim("a", cpus=0.1, gpus=0.4), [Node("x", 8, gpus=2)]) == 4
        assert num_slots(claim("a", gpus=0.1), [Node("x", 20, gpus=1)]) == 10
        assert num_slots(claim("a", gpus=2.0), [Node("x", 8, gpus=3)]) == 1

    def test_a_claim_survives_its_lease(self):
        original = claim("a", weight=2.5, labels={"gpu": "h100"}, set_aside=["x"])
        assert Claim.from_json("a", original.to_json()) == original

    @given(
        st.lists(st.integers(1, 12), min_size=1, max_size=4),
        st.lists(st.tuples(st.integers(0, 50), st.sampled_from([0.5, 1, 2, 7])), max_size=6),
    )
    def test_shares_fill_the_cluster(self, sizes, wishes):
        nodes = [Node(f"n{index}", size) for index, size in enumerate(sizes)]
        names = itertools.count()
        claims = [claim(f"s{next(names)}", wanted, weight) for wanted, weight in wishes]
        found = shares(*claims, nodes=nodes)
        assert all(share <= item.num_wanted for share, item in zip(found, claims, strict=True))
        hungry = [item for item in claims if item.num_wanted]
        if len(hungry) <= sum(sizes):  # else some get one that they must wait for
            assert sum(found) == min(sum(sizes), sum(item.num_wanted for item in claims))
            assert all(fair_share(own, claims, nodes) >= 1 for own in hungry)

    @pytest.mark.parametrize("late", [0, 1, 2])
    def test_a_search_that_comes_takes_from_those_that_have_most(self, late):
        before = shares(claim("a"), claim("b", wanted=2))
        after = shares(claim("a"), claim("b", wanted=2), claim("c", wanted=late))
        assert (before, after) == ([6, 2], [6 - late, 2, late])
