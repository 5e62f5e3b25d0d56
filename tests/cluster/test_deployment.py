"""What stands the service up: compose files, Kubernetes manifest, image and scripts agree."""

import os
import re
from pathlib import Path

import pytest

from tests.cluster.deployment import (
    CLUSTER,
    COMPOSE,
    DOCKERFILE,
    MANY_MACHINES,
    ROOT,
    WORKER,
    checked,
    compose,
    containers,
    items,
    names_of,
    pods,
    ray_groups,
)

SERVICES = compose()["services"]
ONE_SHOT = "migrate"
LONG_RUNNING = sorted(SERVICES.keys() - {ONE_SHOT})
RAY = sorted(name for name in SERVICES if name.startswith(("ray-", "worker")))
SCRIPTS = sorted(CLUSTER.glob("*.sh"))
IMAGE = "vaesearch:${VAESEARCH_VERSION:-0.1.0}"
LOOPBACK = "${VAESEARCH_BIND:-127.0.0.1}:"
# A compose service, and its container in the manifest.
SAME = {
    "postgres": "postgres/postgres",
    "migrate": "mlflow/migrate",
    "mlflow": "mlflow/mlflow",
    "supervisor": "supervisor/supervisor",
    "ray-head": "ray-head/ray-head",
    "worker": "ray-cpu/ray-worker",
    "worker-gpu": "ray-gpu/ray-worker",
}
# What differs by nature: KubeRay starts Ray itself and hands out its token, a new disk there is
# not empty, the study's address is put together from the password, and labels are a group's.
DIFFERENT = {
    "RAY_AUTH_MODE",
    "RAY_AUTH_TOKEN",
    "RAY_HEAD_ADDRESS",
    "PGDATA",
    "VAESEARCH_LABELS",
    "VAESEARCH_STUDY_PASSWORD",
}


class TestCompose:
    @pytest.mark.parametrize("path", [COMPOSE, WORKER])
    def test_it_is_what_the_specification_says(self, path):
        checked("check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)

    def test_everything_named_is_there(self):
        file = compose()
        for service in SERVICES.values():
            assert service.get("depends_on", {}).keys() <= SERVICES.keys()
            assert set(service["networks"]) <= file["networks"].keys()
            for volume in service.get("volumes", []):
                source = re.sub(r"^\$\{\w+:-(\w+)}", r"\1", volume).split(":")[0]
                assert source in file["volumes"] or (ROOT / source).exists()
        assert compose(MANY_MACHINES)["services"].keys() <= SERVICES.keys()

    @pytest.mark.parametrize("name", LONG_RUNNING)
    def test_what_runs_on_is_looked_after(self, name):
        service = SERVICES[name]
        assert service["restart"] == "unless-stopped"
        assert {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()

    def test_what_runs_once_ends_before_the_others_start(self):
        assert SERVICES[ONE_SHOT]["restart"] == "no"
        for name in ("mlflow", "ray-head", "supervisor"):
            condition = SERVICES[name]["depends_on"][ONE_SHOT]["condition"]
            assert condition == "service_completed_successfully"

    @pytest.mark.parametrize("name", SERVICES)
    def test_every_container_may_do_little(self, name):
        service = SERVICES[name]
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["init"] is True
        assert all(port.startswith(LOOPBACK) for port in service.get("ports", []))

    @pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"postgres"}))
    def test_one_image_serves_all(self, name):
        assert SERVICES[name]["image"] == IMAGE
        assert SERVICES[name]["build"]["dockerfile"] == "cluster/Dockerfile"

    @pytest.mark.parametrize("service", [SERVICES[name] for name in RAY], ids=RAY)
    def test_a_ray_node_asks_for_the_token_and_has_shared_memory_and_time_to_save(self, service):
        assert service["environment"]["RAY_AUTH_MODE"] == "token"
        assert "RAY_AUTH_TOKEN" in service["environment"]
        assert service["shm_size"]
        assert int(service["stop_grace_period"].removesuffix("s")) > 60

    def test_workers_know_no_password(self):
        for worker in (SERVICES["worker"], compose(WORKER)["services"]["worker"]):
            assert not any(
                "PASSWORD" in name or "URL" in name[:-3] for name in worker["environment"]
            )
            assert "VAESEARCH_STUDY_URL" not in worker["environment"]

    def test_a_worker_elsewhere_is_like_one_beside_the_head(self):
        ours, other = SERVICES["worker"], compose(WORKER)["services"]["worker"]
        for key in ("image", "cap_drop", "security_opt", "shm_size", "healthcheck", "volumes"):
            assert ours[key] == other[key]
        assert other["environment"].keys() == ours["environment"].keys() | {"RAY_NODE_IP"}

    def test_no_two_nodes_of_one_machine_share_a_port(self):
        file = compose(MANY_MACHINES)["services"]
        bases = [file[name].get("environment", {}).get("RAY_PORT_BASE", "6380") for name in RAY]
        assert len(set(bases)) == len(RAY)


class TestKubernetes:
    def test_every_part_is_what_its_schema_says(self):
        validate = pytest.importorskip("kubernetes_validate").validate
        for item in items():
            if item["kind"] != "RayCluster":  # a kind of its own, of which the pods are checked
                validate(item, "1.34", strict=True)
        for name, template in pods().items():
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, **template}
            validate(pod, "1.34", strict=True)

    def test_the_ray_cluster_is_closed_and_grows(self):
        (cluster,) = items("RayCluster")
        spec = cluster["spec"]
        assert cluster["apiVersion"] == "ray.io/v1"
        assert f"ray=={spec['rayVersion']}\n" in (CLUSTER / "constraints.txt").read_text()
        assert spec["authOptions"] == {"mode": "token", "secretName": "vaesearch"}
        assert spec["enableInTreeAutoscaling"] is True
        for group in spec["workerGroupSpecs"]:
            assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        gpus = ray_groups()["gpu"]["template"]["spec"]["containers"][0]["resources"]
        assert gpus["limits"]["nvidia.com/gpu"] == ray_groups()["gpu"]["rayStartParams"]["num-gpus"]

    def test_no_trial_runs_on_the_head(self):
        params = ray_groups()["head"]["rayStartParams"]
        assert (params["num-cpus"], params["num-gpus"]) == ("0", "0")
        script = (CLUSTER / "ray-node.sh").read_text()
        assert "--num-cpus=0 --num-gpus=0" in script

    @pytest.mark.parametrize("name", containers())
    def test_every_container_may_do_little_and_says_what_it_needs(self, name):
        container = containers()[name]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]

    @pytest.mark.parametrize("name", pods())
    def test_no_pod_is_root_and_each_is_asked_how_it_is(self, name):
        spec = pods()[name]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert all("livenessProbe" in container for container in spec["containers"])

    def test_nobody_is_let_in_who_is_not_named(self):
        policies = {policy["metadata"]["name"]: policy["spec"] for policy in items("NetworkPolicy")}
        assert policies.pop("default-deny") == {"podSelector": {}, "policyTypes": ["Ingress"]}
        for policy in policies.values():
            assert policy["podSelector"]["matchLabels"]
            assert all(rule["from"] for rule in policy["ingress"])


class TestAgreement:
    def test_the_image_is_the_same_and_has_the_version_of_the_package(self):
        (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
        assert f"ARG VAESEARCH_VERSION={version}\n" in DOCKERFILE.read_text()
        assert IMAGE == f"vaesearch:${{VAESEARCH_VERSION:-{version}}}"
        images = {item["image"] for item in containers().values()}
        postgres = SERVICES["postgres"]["image"]
        assert images == {f"vaesearch:{version}", f"vaesearch:{version}-gpu", postgres}

    @pytest.mark.parametrize("name", SAME)
    def test_the_same_variables_are_given_everywhere(self, name):
        ours = set(SERVICES[name]["environment"]) - DIFFERENT
        assert ours == names_of(containers()[SAME[name]]) - DIFFERENT

    def test_the_same_user_runs_it(self):
        assert "USER 10001:10001\n" in DOCKERFILE.read_text()
        users = {name: pod["spec"]["securityContext"]["runAsUser"] for name, pod in pods().items()}
        assert {user for name, user in users.items() if name != "postgres"} == {10001}

    def test_the_same_ports_are_used(self):
        published = {
            name: SERVICES[name]["ports"][0].split(":")[-1]
            for name in SERVICES
            if "ports" in SERVICES[name]
        }
        assert published == {"postgres": "5432", "mlflow": "5000", "ray-head": "8265"}
        opened = {
            str(port["containerPort"])
            for container in containers().values()
            for port in container.get("ports", [])
        }
        assert opened == {*published.values(), "6379"}
        script = (CLUSTER / "ray-node.sh").read_text()
        ports = dict(re.findall(r"RAY_(\w+):-(\d+)}", script))
        assert (ports["GCS_PORT"], ports["JOBS_PORT"], ports["CLIENT_PORT"]) == (
            "6379",
            "8265",
            "10001",
        )
        base = int(ports["PORT_BASE"])
        for group in ray_groups().values():
            params = group["rayStartParams"]
            assert params["dashboard-agent-listen-port"] == str(base + 4)
            assert params["metrics-export-port"] == str(base + 5)
            assert (params["min-worker-port"], params["max-worker-port"]) == ("10002", "10999")

    def test_whatever_is_run_is_in_the_image(self):
        copied = set(re.findall(r"cluster/([\w-]+\.sh)", DOCKERFILE.read_text()))
        commands = [service.get("command", []) for service in SERVICES.values()]
        commands += [container.get("command", []) for container in containers().values()]
        named = {Path(word).name for words in commands for word in words if word.endswith(".sh")}
        assert named <= copied
        assert all(os.access(CLUSTER / name, os.X_OK) for name in copied)

    def test_the_readme_names_every_port_and_file(self):
        readme = (CLUSTER / "README.md").read_text()
        for word in ("5432", "5000", "8265", "6379", "6380", "10001", "10002-10999"):
            assert word in readme
        for path in CLUSTER.iterdir():
            if path.suffix in (".sh", ".yml", ".yaml") and path.stem != "smoke":
                assert path.name in readme, path.name
