import io

import numpy as np
import pytest

import vaemodels
from vaemodels.config import ConvConfig, DenseConfig, VAEConfig
from vaemodels.io import read_weights, write_weights
from vaemodels.noise import base_noise

CONFIG = VAEConfig(
    (8, 8, 1),
    2,
    likelihood="gaussian",
    variance="learned",
    encoder=ConvConfig((3,), batch_norm=True),
    decoder=DenseConfig((5,)),
)


@pytest.fixture
def vae():
    vae = vaemodels.build(CONFIG, seed=5)
    for number, weight in enumerate(vae.weights):
        size = int(np.prod(weight.shape))
        weight.assign(base_noise("uniform", number, size, 1).reshape(weight.shape))
    return vae


def test_a_saved_model_comes_back(vae, tmp_path):
    vaemodels.save(vae, tmp_path / "model")
    again = vaemodels.load(tmp_path / "model")
    assert again.config == CONFIG
    images = base_noise("uniform", 0, 3, 64).reshape(3, 8, 8, 1)
    np.testing.assert_array_equal(again.reconstruct(images), vae.reconstruct(images))


def test_weights_of_another_model_are_refused(vae):
    file = io.BytesIO()
    write_weights(vae, file)
    file.seek(0)
    other = vaemodels.build(VAEConfig((8, 8, 1), 2, encoder=DenseConfig((5,))))
    with pytest.raises(ValueError, match="belongs to another model"):
        read_weights(other, file)


def test_one_wrong_shape_is_refused_and_nothing_is_set(vae):
    file = io.BytesIO()
    values = [np.asarray(weight) for weight in vae.weights]
    names = {f"weight_{i:03d}": value for i, value in enumerate(values)}
    names["weight_001"] = np.zeros((1, 99))
    np.savez(file, **names)
    file.seek(0)
    with pytest.raises(ValueError, match=r"Expected shape \(3,\) for `weight_001`"):
        read_weights(vae, file)
    np.testing.assert_array_equal(vae.weights[0], values[0])


@pytest.mark.parametrize("keep", [0, 10, 0.5])
def test_a_damaged_file_is_refused(vae, keep):
    file = io.BytesIO()
    write_weights(vae, file)
    content = file.getvalue()
    short = content[: int(keep * len(content)) if keep < 1 else keep]
    with pytest.raises(ValueError, match=r"Expected a complete \.npz file"):
        read_weights(vae, io.BytesIO(short))


def test_pickled_objects_are_refused(vae):
    file = io.BytesIO()
    np.savez(file, weight_000=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    file.seek(0)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_weights(vae, file)


def test_a_missing_folder_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        vaemodels.load(tmp_path / "nowhere")


def test_a_damaged_config_is_refused_with_its_path(vae, tmp_path):
    vaemodels.save(vae, tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"Invalid file `.*config\.json`. Expected JSON"):
        vaemodels.load(tmp_path)
