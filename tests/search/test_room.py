"""Whether there is room for a trial: waiting for it, asking for it, and when to wait no longer."""

import pytest
from ray.core.generated import autoscaler_pb2

from search.errors import WorkersError
from search.executor import autoscaler, room
from search.executor.autoscaler import is_hopeless
from search.executor.room import wait_for_room
from search.sections import ResourcesSection

RESOURCES = ResourcesSection(cpus=2, gpus=0.5, labels={"zone": "east"})


def state_with(cpus=2.0, gpus=0.5, zone="east"):
    """What an autoscaler reports that can start nothing for one request."""
    state = autoscaler_pb2.AutoscalingState()
    request = state.infeasible_resource_requests.add()
    request.resources_bundle["CPU"] = cpus
    if gpus:
        request.resources_bundle["GPU"] = gpus
    if zone:
        constraint = request.label_selectors.add().label_constraints.add()
        constraint.label_key = "zone"
        constraint.label_values.append(zone)
    return state


class TestIsHopeless:
    @pytest.fixture
    def report(self, monkeypatch):
        return lambda state: monkeypatch.setattr(autoscaler, "_state", lambda: state)

    def test_a_request_for_the_same_that_cannot_be_met(self, report):
        report(state_with())
        assert is_hopeless(RESOURCES)

    @pytest.mark.parametrize(
        "other", [{"cpus": 1.0}, {"gpus": 1.0}, {"zone": "west"}, {"zone": ""}]
    )
    def test_requests_of_others_say_nothing(self, report, other):
        report(state_with(**other))
        assert not is_hopeless(RESOURCES)

    def test_amounts_are_compared_as_ray_keeps_them(self, report):
        report(state_with(gpus=0.3333, zone=""))
        assert is_hopeless(ResourcesSection(cpus=2, gpus=0.33333))

    def test_not_while_a_node_is_on_its_way(self, report):
        state = state_with()
        state.pending_instance_requests.add().request_ts = 1
        report(state)
        assert not is_hopeless(RESOURCES)

    def test_not_without_an_autoscaler(self, report):
        report(None)
        assert not is_hopeless(RESOURCES)


class Cluster:
    """A cluster as `wait_for_room` sees it; a node joins when it was looked at so many times."""

    def __init__(self, patched, node_after=10**6, can_grow=False, is_hopeless=False):
        self.num_looks, self.held, self.said = 0, [], []
        self._node_after = node_after
        patched.setattr(room, "fits", self._fits)
        patched.setattr(room, "can_grow", lambda: can_grow)
        patched.setattr(room, "is_hopeless", lambda _: is_hopeless)
        patched.setattr(room, "Wish", lambda _: self)
        patched.setattr(room, "_no_room", lambda _: "No trial fits on any node.")
        patched.setattr(room, "_PAUSE_SECONDS", 0.0)

    def _fits(self, _):
        self.num_looks += 1
        return self.num_looks > self._node_after

    def hold(self, num):
        self.held.append(num)

    def wait(self, is_shared=True, is_stopping=lambda: False):
        slots = type("Slots", (), {"is_shared": is_shared})
        return wait_for_room(RESOURCES, slots, self.said.append, is_stopping)


class TestWaitForRoom:
    def test_a_machine_on_which_nothing_fits_is_refused_at_once(self, monkeypatch):
        cluster = Cluster(monkeypatch)
        with pytest.raises(WorkersError, match="No trial fits"):
            cluster.wait(is_shared=False)
        assert cluster.num_looks == 1

    def test_nodes_that_join_are_waited_for(self, monkeypatch):
        cluster = Cluster(monkeypatch, node_after=3)
        assert cluster.wait()
        assert (cluster.held, cluster.said) == ([], [])

    def test_but_not_for_ever(self, monkeypatch):
        monkeypatch.setattr(room, "_JOIN_SECONDS", 0.01)
        with pytest.raises(WorkersError, match="No trial fits"):
            Cluster(monkeypatch).wait()

    def test_a_cluster_that_grows_is_asked_and_waited_for(self, monkeypatch):
        monkeypatch.setattr(room, "_JOIN_SECONDS", 0.0)
        cluster = Cluster(monkeypatch, node_after=3, can_grow=True)
        assert cluster.wait()
        assert cluster.held == [1, 0]  # the request is taken back once there is room
        assert cluster.said == ["waiting for the cluster to start a node"]

    def test_it_is_not_waited_for_what_it_cannot_start(self, monkeypatch):
        monkeypatch.setattr(room, "_JOIN_SECONDS", 0.01)
        with pytest.raises(WorkersError, match="No trial fits"):
            Cluster(monkeypatch, can_grow=True, is_hopeless=True).wait()

    def test_nodes_may_join_until_then(self, monkeypatch):
        assert Cluster(monkeypatch, node_after=3, can_grow=True, is_hopeless=True).wait()

    def test_a_search_that_is_stopped_waits_no_longer(self, monkeypatch):
        cluster = Cluster(monkeypatch, can_grow=True)
        assert not cluster.wait(is_stopping=lambda: cluster.num_looks > 2)
