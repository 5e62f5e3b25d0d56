"""Names in code of the user's, and params beside it, that could not mean what they seem to."""

import pytest

from search.driver import create
from search.errors import StudyConfigError
from search.models.corners import refuse_ignored
from search.models.own_code import pack
from search.workspace import Workspace
from tests.own_modules import LAB, nothing_allowed
from tests.search.examples import make_study

OWN = {"encoder": "lab_parts:encoder", "decoder": "lab_parts:decoder"}
BETA = {"beta": {"type": "float", "low": 0.1, "high": 1.0}}


def study(space=BETA, **fixed):
    return make_study(dataset="lab_data:load", code=str(LAB), space=space, fixed=fixed)


@pytest.mark.parametrize("file", ["mlflow.py", "sklearn/__init__.py", "queue.py", "search.py"])
def test_a_module_that_would_hide_a_library_is_refused(tmp_path, file):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    (tmp_path / "my_parts.py").touch()
    name = file.partition("/")[0].removesuffix(".py")
    with pytest.raises(StudyConfigError, match=rf"module `{name}` of .* in place of the library"):
        pack(str(tmp_path))


def test_layers_that_no_model_has_are_refused(tmp_path):
    message = r"`widths` means nothing where your own functions .* set `own\.widths`"
    place = Workspace.at(tmp_path / "ws")
    with nothing_allowed(), pytest.raises(StudyConfigError, match=message):
        create(study(**OWN, widths=[9]), place)
    with pytest.raises(StudyConfigError, match="`decoder_widths` means nothing"):
        refuse_ignored(study(decoder=OWN["decoder"], widths=[9], decoder_widths=[9]))


def test_layers_that_some_model_has_are_not():
    encoder = {"type": "categorical", "choices": [None, OWN["encoder"]]}
    refuse_ignored(study({**BETA, "encoder": encoder}, decoder=OWN["decoder"], widths=[9]))
    refuse_ignored(study(encoder=OWN["encoder"], widths=[9]))
