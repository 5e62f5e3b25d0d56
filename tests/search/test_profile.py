"""Clusters by name: addresses from one file, secrets from another, both checked."""

import os

import pytest
from sqlalchemy import make_url

from search.errors import SearchError
from search.profile import choose_cluster

NAMES = (
    "VAESEARCH_CLUSTER",
    "VAESEARCH_STUDY_URL",
    "VAESEARCH_STUDY_PASSWORD",
    "VAESEARCH_STORE",
    "VAESEARCH_MLFLOW_URI",
    "RAY_AUTH_MODE",
    "RAY_AUTH_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
)
PROFILE = """
[clusters.lab]
ray = "http://10.0.0.5:8265"
study = "postgresql://study@10.0.0.5/study"
mlflow = "http://10.0.0.5:5000"
store = "s3://lab/store"
"""


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    """The folder of a user's settings; the environment is as it was afterwards."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    (tmp_path / "vaesearch.toml").write_text(PROFILE)
    return tmp_path


def with_secrets(config, text: str, mode: int = 0o600) -> None:
    path = config / "secrets"
    path.write_text(text)
    path.chmod(mode)
    (config / "vaesearch.toml").write_text(f'{PROFILE}secrets = "{path}"\n')


class TestChooseCluster:
    def test_addresses_go_where_every_part_looks_for_them(self):
        choose_cluster("lab")
        assert os.environ["VAESEARCH_CLUSTER"] == "http://10.0.0.5:8265"
        assert os.environ["VAESEARCH_STUDY_URL"] == "postgresql+psycopg://study@10.0.0.5/study"
        assert os.environ["VAESEARCH_MLFLOW_URI"] == "http://10.0.0.5:5000"
        assert os.environ["VAESEARCH_STORE"] == "s3://lab/store"
        assert "RAY_AUTH_MODE" not in os.environ

    def test_an_address_needs_no_profile(self, config, monkeypatch):
        (config / "vaesearch.toml").unlink()
        with pytest.raises(SearchError, match=r"Name the study database .* VAESEARCH_STUDY_URL"):
            choose_cluster("http://127.0.0.1:8265")
        monkeypatch.setenv("VAESEARCH_STUDY_URL", "sqlite:///study.db")
        choose_cluster("http://127.0.0.1:8265")
        assert os.environ["VAESEARCH_CLUSTER"] == "http://127.0.0.1:8265"

    def test_secrets_come_from_a_file_of_their_own(self, config):
        with_secrets(config, "# of the lab\nVAESEARCH_STUDY_PASSWORD=a b/c@d\nRAY_AUTH_TOKEN=t\n")
        choose_cluster("lab")
        assert make_url(os.environ["VAESEARCH_STUDY_URL"]).password == "a b/c@d"
        assert os.environ["RAY_AUTH_TOKEN"] == "t"
        assert os.environ["RAY_AUTH_MODE"] == "token"

    def test_the_environment_counts_more(self, config, monkeypatch):
        with_secrets(config, "RAY_AUTH_TOKEN=of the file\n")
        monkeypatch.setenv("RAY_AUTH_TOKEN", "of the shell")
        choose_cluster("lab")
        assert os.environ["RAY_AUTH_TOKEN"] == "of the shell"

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
    def test_secrets_that_others_can_read_are_refused(self, config, mode):
        with_secrets(config, "RAY_AUTH_TOKEN=t\n", mode)
        with pytest.raises(SearchError, match=rf"mode {mode:04o}.*Say: chmod 600"):
            choose_cluster("lab")

    def test_a_line_that_is_no_secret_is_named(self, config):
        with_secrets(config, "RAY_AUTH_TOKN=t\n")
        with pytest.raises(SearchError, match=r"line 1: .*Did you mean `RAY_AUTH_TOKEN`"):
            choose_cluster("lab")

    def test_secrets_that_are_not_there(self, config):
        (config / "vaesearch.toml").write_text(f'{PROFILE}secrets = "/nowhere/s"\n')
        with pytest.raises(SearchError, match="Cannot read the secrets in /nowhere/s"):
            choose_cluster("lab")

    def test_another_name_is_suggested(self):
        with pytest.raises(SearchError, match=r"no cluster `lap`\. Did you mean `lab`"):
            choose_cluster("lap")

    def test_no_file_says_what_to_write(self, config):
        (config / "vaesearch.toml").unlink()
        with pytest.raises(SearchError, match=r"Write \[clusters.lab\] with ray ="):
            choose_cluster("lab")

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('ray = "10.0.0.5"', "clusters.lab.ray: expected an address such as http"),
            ('ray = "http://h:1"\nstudy = "postgresql://a:b@h/d"', "holds no password here"),
            ('ray = "http://h:1"\ntoken = "t"', "clusters.lab.token: Extra inputs"),
            ('ray = "http://h:1"\nray = 2', "Cannot read"),
            ("", "clusters.lab.ray: Field required"),
            ('ray = "http://h:1"\nstudy = "no address"', "is no address of a database"),
        ],
    )
    def test_a_profile_that_cannot_work_is_refused(self, config, line, message):
        (config / "vaesearch.toml").write_text(f"[clusters.lab]\n{line}\n")
        with pytest.raises(SearchError, match=message):
            choose_cluster("lab")
