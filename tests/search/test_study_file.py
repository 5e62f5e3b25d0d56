"""Study files: every fault is refused with its line and a remedy."""

import re

import pydantic
import pytest

from search.config import StudyConfig, replaced
from search.errors import NotFoundError, StudyConfigError
from search.study_file import builtin_study, builtin_text, load_study, parse_study
from tests.search.examples import make_study, study_values

TEXT = """\
name: tiny
dataset: digits
space:
  latent_dim: {type: int, low: 2, high: 16}
  beta: {type: float, low: 0.01, high: 1.0, log: true}
  num_layers: {type: int, low: 1, high: 2}
  widths: {type: int, low: 8, high: 32, length: num_layers}
fixed:
  variant: vae
first_trials:
  - {latent_dim: 4, num_layers: 1, widths: [8]}
objectives:
  fid: minimize
  tvd: minimize
budget:
  trials: 3
sampler: random
"""

# What is written, what is written instead, the line and what is said of it.
FAULTS = [
    ("name: tiny", "nam: tiny", 1, r"unknown key `nam`\. Did you mean `name`\?"),
    ("name: tiny\n", "", 1, r"name: this key is missing; write `name: \.\.\.`"),
    ("name: tiny", "name: a/b", 1, r"name: expected at most 63 letters, digits"),
    ("sampler: random", "sampler: best", 17, "sampler: Input should be 'auto', 'tpe'"),
    ("sampler: random", "sampler: tpe\nsampler: gp", 18, "`sampler` is there twice; drop one"),
    ("sampler: random", "seed: -1", 17, "seed: Input should be greater than or equal to 0"),
    ("trials: 3", "trails: 3", 16, r"unknown key `trails`\. Did you mean `trials`\?"),
    ("trials: 3", "trials: 0", 16, r"greater than or equal to 1\. Received: 0"),
    ("trials: 3", "trials: 3.5", 16, r"budget\.trials: .*valid integer.*Received: 3\.5"),
    ("sampler: random", "resources: {gpus: 1.5}", 17, r"a part of one GPU, or whole ones.*1\.5"),
    ("trials: 3", "hours: .inf", 16, r"budget\.hours: Input should be a finite number"),
    ("low: 0.01", "low: 1e-2", 5, r"valid number\. Received: '1e-2'\. Write 0\.01"),
    ("low: 0.01", "low: 0", 5, r"space\.beta: Expected `low` > 0.*Raise `low` or drop `log`"),
    ("low: 0.01", "low: 2.0", 5, r"Expected finite `low` < `high`.*belongs under `fixed`"),
    ("low: 0.01, ", "", 5, r"takes \['high', 'low'\]: write \['low'\]"),
    ("log: true", "choices: [1]", 5, r"type float takes .*: drop \['choices'\]"),
    ("log: true", "step: -1.0", 5, r"Expected `step` > 0.*step=-1\.0"),
    ("log: true", "lag: true", 5, r"unknown key `lag`"),
    ("int, low: 2", "int, low: 2.5", 4, r"latent_dim: type int takes whole numbers"),
    ("type: int, low: 2, high: 16", "type: categorical, choices: [1]", 4, "at least 2 distinct"),
    ("type: int, low: 2, high: 16", "type: whole", 4, "Input should be 'float', 'int' or"),
    ("  latent_dim:", "  laten_dim:", 4, r"no model has .*`laten_dim`\. Did you mean `latent_dim`"),
    ("  variant: vae", "  varian: vae", 9, r"no model has .*`varian`\. Did you mean `variant`"),
    ("  variant: vae", "  beta: 1.0", 9, r"\['beta'\] stand in `space` and in `fixed`; keep one"),
    ("length: num_layers", "length: layers", 7, r"`widths` depends on `layers`.*Known: \["),
    (
        "length: num_layers",
        "length: beta, when: {num_layers: 1}",
        7,
        r"`length: beta` must be a whole number from 0 to 1000",
    ),
    (
        "length: num_layers",
        "length: -1, when: {num_layers: 1}",
        7,
        r"`length: -1` must be a whole number from 0 to 1000",
    ),
    ("length: num_layers", "length: widths", 7, r"depend on each other: widths -> widths\. Drop"),
    (
        "length: num_layers",
        "length: num_layers, when: {variant: ae}",
        7,
        r"when `variant` is 'ae', which it never is",
    ),
    (
        "length: num_layers",
        "length: num_layers, when: {latent_dim: [2, 99]}",
        7,
        r"is 99, which it never is",
    ),
    ("  num_layers:", "  variance: {type: float, low: 1, high: 2}\n  num_layers:", 6, "same knob"),
    (
        "latent_dim: 4",
        "latent_dim: 99",
        11,
        r"first_trials\.0\.latent_dim: .*from 2 to 16\. Received: 99",
    ),
    ("latent_dim: 4", "latent_dim: [4]", 11, "takes one value, not a list"),
    ("latent_dim: 4", "size: 4", 11, r"`size` is not in the space\. Known: beta, "),
    ("widths: [8]", "widths: [8, 9]", 11, r"takes a list of 1 values\. Received: \[8, 9\]"),
    ("num_layers: 1, ", "", 11, r"`widths` = \[8\] does not exist .*\['num_layers'\]\. Drop it"),
    ("fid: minimize", "fd: minimize", 13, r"nothing measures `fd`\. Did you mean `fid`\?"),
    ("fid: minimize", "fid: less", 13, "Input should be 'minimize' or 'maximize'"),
    ("space:", "space: [", 5, "not valid YAML: expected"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), FAULTS)
def test_a_fault_is_refused_with_its_line_and_a_remedy(old, new, line, message):
    assert TEXT.count(old) >= 1
    with pytest.raises(StudyConfigError, match=rf"^study\.yaml:{line}: .*{message}") as caught:
        parse_study(TEXT.replace(old, new, 1), "study.yaml")
    assert "\n" not in str(caught.value)


def test_an_objective_across_likelihoods_is_refused_at_its_line():
    text = TEXT.replace("fid: minimize", "elbo: maximize").replace(
        "  num_layers:", "  likelihood: {type: categorical, choices: [a, b]}\n  num_layers:", 1
    )
    with pytest.raises(StudyConfigError, match=r"^f:14: objectives\.elbo: .*fix the one or drop"):
        parse_study(text, "f")


@pytest.mark.parametrize(("text", "kind"), [("", "NoneType"), ("- a", "list"), ("a", "str")])
def test_a_file_of_something_else_is_refused(text, kind):
    with pytest.raises(StudyConfigError, match=rf"f:1: expected keys.*{kind}.*vaesearch init"):
        parse_study(text, "f")


def test_further_faults_are_counted():
    text = TEXT.replace("trials: 3", "trials: 0").replace("sampler: random", "sampler: best")
    with pytest.raises(StudyConfigError, match=r"\(1 more after this one\)"):
        parse_study(text, "f")


@pytest.mark.parametrize("content", [None, b"name: \xff"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "study.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotFoundError, match=r"Cannot read the study file .*vaesearch init"):
        load_study(path)


def test_the_same_study_from_python_equals_the_one_from_yaml(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(TEXT)
    found = load_study(path)
    space = {name: section.model_dump() for name, section in found.space.items()}
    assert found == make_study(
        dataset={"name": "digits"},
        space=space,
        fixed={"variant": "vae"},
        first_trials=[{"latent_dim": 4, "num_layers": 1, "widths": [8]}],
        budget={"trials": 3},
    )


@pytest.mark.parametrize("config", [builtin_study(), parse_study(TEXT, "f")])
def test_a_study_survives_being_stored(config):
    assert StudyConfig.model_validate(config.model_dump(mode="json")) == config
    assert StudyConfig.model_validate_json(config.model_dump_json()) == config


def test_the_built_in_study_explains_every_key():
    config = builtin_study()
    assert (config.name, config.dataset.name) == ("digits", "digits")
    assert config.directions == ["minimize", "minimize"]
    for name, field in StudyConfig.model_fields.items():
        assert re.search(rf"^(# )?{name}:", builtin_text(), re.MULTILINE), name
        for key in getattr(field.annotation, "model_fields", {}):
            assert name == "dataset" or re.search(rf"\b{key}:", builtin_text()), key


def test_a_changed_study_is_checked_again():
    values = study_values(budget={"trials": 0, "epochs": 2})
    with pytest.raises(StudyConfigError, match=r"^budget\.trials: Input should be greater"):
        replaced(values)
    with pytest.raises(StudyConfigError, match=r"^objectives\.fd: nothing measures `fd`"):
        replaced(study_values(objectives={"fd": "minimize"}))


def test_a_study_never_changes():
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        make_study().seed = 3


def test_names_that_only_shape_the_space_reach_no_model():
    config = parse_study(TEXT, "f")
    params = {"latent_dim": 4, "num_layers": 1, "widths": [8]}
    assert config.model_params(params) == {"variant": "vae", "latent_dim": 4, "widths": [8]}
