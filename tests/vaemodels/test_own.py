"""Parts and loaders from code of the user's: what they may be, and that nothing else is run."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.contracts.backbone_contract import BackboneContract, images_of
from tests.own_modules import LAB, nothing_allowed
from vaemodels.building import build
from vaemodels.config import DenseConfig, OwnConfig, TrainingConfig, VAEConfig
from vaemodels.counts import count_parameters
from vaemodels.data import load_dataset
from vaemodels.io import load, save
from vaemodels.noise import base_noise
from vaemodels.own import OWN_MODULES, allow_code, is_own, modules_in
from vaemodels.training import ModelCache, Trainer

SHAPE = (8, 8, 1)


@pytest.fixture(autouse=True)
def lab():
    """This process may import the modules of tests/lab; afterwards it may not."""
    with nothing_allowed():
        allow_code(LAB)
        yield


def own(encoder="lab_parts:encoder", decoder="lab_parts:decoder", **more):
    parts = {"encoder": OwnConfig(encoder), "decoder": OwnConfig(decoder)}
    return VAEConfig(SHAPE, 3, **{**parts, **more})


ALL = {
    "prior": "lab_parts:LaplacePrior",
    "posterior": "lab_parts:UnitPosterior",
    "likelihood": "lab_parts:LaplaceLikelihood",
    "own": {"filters": 4, "scale": 2.0, "deviation": 0.3},
}


class TestOwnBackbone(BackboneContract):
    @pytest.fixture
    def encoder(self):
        return OwnConfig("lab_parts:encoder")

    @pytest.fixture
    def decoder(self):
        return OwnConfig("lab_parts:decoder")

    @pytest.mark.parametrize("shape", [(8, 8, 1), (15, 11, 3)])
    def test_any_image_shape_is_hit_exactly(self, make_config, shape):
        vae = build(make_config(shape))
        images = images_of(shape)
        assert vae.encode(images).shape == (3, 3)
        assert vae.reconstruct(images).shape == images.shape
        with pytest.raises(ValueError, match=r"`lab_parts:encoder` cannot be counted without it"):
            count_parameters(make_config(shape))


class TestParts:
    def test_every_part_may_be_of_the_users(self):
        vae = build(own(**ALL))
        assert vae.encoder.layer.layers[1].filters == 4
        assert vae.prior.scale == 2.0
        assert vae.posterior.deviation == 0.3
        terms = vae.losses(images_of(SHAPE), np.zeros((3, 3), np.float32), 1.0)
        assert terms["elbo"] == -(terms["reconstruction_loss"] + terms["kl_loss"])

    def test_the_kl_without_a_closed_form_is_estimated_without_bias(self):
        vae = build(own(**ALL))
        images = np.repeat(images_of(SHAPE, 1), 40_000, axis=0)
        noise = base_noise("normal", 0, len(images), 3)
        estimate = float(vae.losses(images, noise, 1.0)["kl_loss"])
        # KL(N(m, s) || Laplace(b)) = -log(s sqrt(2 pi e)) + log(2 b) + E|u| / b, in each dimension.
        mean, s, b = np.asarray(vae.posterior.mean(vae.parameters(images[:1])))[0], 0.3, 2.0
        draws = np.abs(mean + s * base_noise("normal", 1, 400_000, 3)).mean(axis=0)
        exact = np.sum(-np.log(s * np.sqrt(2 * np.pi * np.e)) + np.log(2 * b) + draws / b)
        assert estimate == pytest.approx(exact, abs=0.02)

    def test_it_trains_and_goes_on_exactly_where_it_was(self, tmp_path):
        images, training = images_of(SHAPE, 64), TrainingConfig(epochs=4, batch_size=16)
        whole, first, second = (Trainer(own(**ALL), training, images) for _ in range(3))
        losses = [whole.run_epoch()["loss"] for _ in range(4)]
        assert losses[-1] < losses[0]
        for _ in range(2):
            first.run_epoch()
        with (tmp_path / "state.npz").open("wb") as file:
            first.save(file)
        with (tmp_path / "state.npz").open("rb") as file:
            second.restore(file)
        assert [second.run_epoch()["loss"] for _ in range(2)] == losses[2:]
        generated = whole.generate(base_noise("normal", 0, 5, 3))
        assert generated.shape == (5, *SHAPE)
        assert 0 <= generated.min() < generated.max() <= 1

    def test_weights_that_a_first_call_makes_are_trained_and_come_from_the_seed(self):
        training = TrainingConfig(epochs=1, batch_size=16, seed=3)
        trainer, again = (Trainer(own(**ALL), training, images_of(SHAPE, 64)) for _ in range(2))
        head = trainer.vae.posterior.head.kernel
        before = head.numpy()
        assert np.array_equal(before, again.vae.posterior.head.kernel.numpy())
        count = trainer.vae.num_parameters
        trainer.run_epoch()
        assert trainer.vae.num_parameters == count
        assert not np.array_equal(before, head.numpy())

    def test_none_is_used_again_for_another_seed(self):
        """What it drew from its seed may be no weight."""
        training, models = TrainingConfig(epochs=1, batch_size=16), ModelCache()
        for _ in range(2):
            trainer = Trainer(own(**ALL), training, images_of(SHAPE, 64), models=models)
            trainer.run_epoch()
            trainer.close()
        assert (models.num_hits, models.num_misses) == (0, 2)

    def test_own_and_stock_parts_go_together(self):
        vae = build(own(decoder="lab_parts:decoder", own={}, variant="gmvae"))
        assert vae.reconstruct(images_of(SHAPE)).shape == (3, *SHAPE)
        stock = VAEConfig(SHAPE, 3, decoder=OwnConfig("lab_parts:decoder"), own={"filters": 2})
        assert build(stock).decoder.layer.layers[0].units == 8

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            (lambda: own("lab_parts:no_layer"), r"of `lab_parts:no_layer` a Layer.*: tuple\."),
            (lambda: own(decoder="lab_parts:no_image"), r"\(batch, 8, 8, 1\).*\(None, 3\)"),
            (lambda: own(prior="lab_parts:LaplaceLikelihood"), r"failed: TypeError"),
            (lambda: own(likelihood="lab_tools:maker"), r"a AbstractLikelihood of vaemodels"),
            (lambda: own(own={"width": 3}), r"`own\.width`.*lab_parts:encoder, lab_parts:decoder"),
            (
                lambda: own(likelihood="lab_parts:FailingLikelihood"),
                r"FailingLikelihood fails on an image of zeros: RuntimeError: the tape is torn",
            ),
            (lambda: own("lab_parts:nothing"), r"`lab_parts` has no function 'nothing'"),
            (lambda: own("lab_parts:NUMBER"), r"`lab_parts` has no function 'NUMBER'"),
            (lambda: own("lab_missing:encoder"), r"allowed: lab_data, lab_parts, lab_tools\."),
        ],
    )
    def test_what_is_no_part_is_refused_by_name(self, config, message):
        with pytest.raises(ValueError, match=message):
            build(config())

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"own": {"filters": 3}}, r"No part of the model is of your own"),
            ({"prior": "lab_parts:LaplacePrior", "variant": "ae"}, r"a point posterior has no"),
            ({"prior": "lab_parts:LaplacePrior", "variant": "dirvae_gamma"}, r"over the simplex"),
            ({"prior": "lab_parts:LaplacePrior", "free_bits": 0.1}, r"does not split"),
            ({"prior": "lab_parts"}, r"`prior`. Expected one of"),
        ],
    )
    def test_what_cannot_go_together_is_refused_before_anything_is_imported(self, values, message):
        with pytest.raises(ValueError, match=message):
            VAEConfig(SHAPE, 3, **values)

    def test_a_function_is_no_name_of_own_code(self):
        with pytest.raises(ValueError, match=r"such as my_parts:encoder.*os\.system"):
            OwnConfig("os.system")
        assert not any(map(is_own, ["a:b:c", ":b", "a:", "a b:c", "a:b()", "C:\\x", 3, None]))

    def test_configs_without_own_parts_are_stored_as_ever(self):
        assert "own" not in VAEConfig(SHAPE, 3).to_json()
        assert VAEConfig(SHAPE, 3, encoder=DenseConfig()).own_parts == []


class TestLoading:
    def test_a_stored_model_runs_nothing_unless_its_code_is_named(self, tmp_path):
        vae = build(own(**ALL))
        save(vae, tmp_path)
        program = (
            "import sys, numpy, vaemodels\n"
            "code = sys.argv[2] or None\n"
            "vae = vaemodels.load(sys.argv[1], code=code)\n"
            "print(vae.encode(numpy.ones((1, 8, 8, 1), 'float32')).shape)\n"
        )

        def run(code: str) -> subprocess.CompletedProcess[str]:
            kept = {k: v for k, v in os.environ.items() if k != OWN_MODULES}
            command = [sys.executable, "-c", program, str(tmp_path), code]
            return subprocess.run(command, env=kept, capture_output=True, text=True, check=False)

        refused = run("")
        assert refused.returncode == 1
        assert "none was. Received: 'lab_parts:encoder'" in refused.stderr
        assert "(1, 3)" in run(str(LAB)).stdout

    def test_weights_survive(self, tmp_path):
        vae = build(own(**ALL))
        save(vae, tmp_path)
        images = images_of(SHAPE)
        np.testing.assert_array_equal(load(tmp_path).reconstruct(images), vae.reconstruct(images))
        assert json.loads((tmp_path / "config.json").read_text())["own"]["scale"] == 2.0

    def test_a_module_that_means_another_one_here_is_refused(self, tmp_path):
        (tmp_path / "pytest.py").write_text("")
        with pytest.raises(ValueError, match=r"imported another module `pytest`.*Rename yours"):
            allow_code(tmp_path)

    def test_a_folder_without_modules_is_refused(self, tmp_path):
        (tmp_path / "notes.txt").write_text("")
        with pytest.raises(ValueError, match=r"a folder with Python modules or packages"):
            allow_code(tmp_path)
        assert modules_in(LAB) == ["lab_data", "lab_parts", "lab_tools"]

    def test_a_module_that_cannot_be_imported_is_named(self, tmp_path):
        (tmp_path / "lab_broken.py").write_text("import nothing_of_this_name\n")
        allow_code(tmp_path)
        with pytest.raises(ValueError, match=r"Cannot import `lab_broken`.*ModuleNotFoundError"):
            build(own("lab_broken:encoder"))


class TestLoaders:
    def test_images_come_from_a_loader(self, tmp_path):
        dataset = load_dataset("lab_data:load", tmp_path)
        assert (dataset.name, dataset.image_shape, dataset.num_classes) == ("load", SHAPE, 4)
        assert len(dataset.train.images) + len(dataset.validation.images) < 240
        (tmp_path / "width.txt").write_text("2")
        assert load_dataset("lab_data:load", tmp_path, tmp_path).hash != dataset.hash

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("lab_data:load_nothing", r"dictionary of arrays such as .*Received: int\."),
            ("lab_data:load_failing", r"'lab_data:load_failing' failed: OSError: the tape is torn"),
            ("os:getcwd", r"allowed: lab_data, lab_parts, lab_tools\. Received: 'os:getcwd'"),
        ],
    )
    def test_a_loader_that_loads_nothing_is_refused(self, tmp_path, name, message):
        with pytest.raises(ValueError, match=message):
            load_dataset(name, tmp_path)
