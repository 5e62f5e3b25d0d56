import numpy as np
import pytest

from vaemodels.data.sprites import make_sprites
from vaemodels.metrics.disentanglement import disentanglement_score

SMALL = {"num_train": 600, "num_eval": 400}


@pytest.fixture(scope="module")
def sprites():
    return make_sprites()


def test_the_factors_themselves_score_one_at_the_papers_sizes(sprites):
    estimate = disentanglement_score(lambda _: sprites.factors, sprites)
    assert estimate.value >= 0.9
    assert estimate.num_samples == 5000


def test_a_constant_code_scores_at_chance(sprites):
    estimate = disentanglement_score(lambda images: np.ones((len(images), 3)), sprites)
    assert estimate.value == pytest.approx(0.2, abs=4 * estimate.standard_error)


def test_mixed_factors_score_lower(sprites):
    mixing = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    pure, mixed = (
        disentanglement_score(lambda _, c=codes: c, sprites, num_pairs=8, **SMALL)
        for codes in (sprites.factors, sprites.factors @ mixing)
    )
    assert mixed.value + 3 * mixed.standard_error < pure.value


def test_scale_shift_and_idle_latents_of_a_code_do_not_matter(sprites):
    codes = sprites.factors.astype(np.float64)
    other = np.concatenate([1e-4 * codes + 5.0, np.zeros((len(codes), 2))], axis=1)
    scores = [
        disentanglement_score(lambda _, c=c: c, sprites, num_pairs=4, **SMALL).value
        for c in (codes, other)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)


def test_the_seed_decides_and_the_images_reach_the_encoder_once(sprites):
    calls = []

    def encode(images):
        calls.append(images.shape)
        return images.reshape(len(images), -1)[:, ::8]

    values = [
        disentanglement_score(encode, sprites, num_pairs=4, seed=seed, **SMALL)
        for seed in (0, 0, 1)
    ]
    assert values[0] == values[1] != values[2]
    assert calls == [(4608, 16, 16, 1)] * 3


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((7, 3)), r"Invalid value for `encode`.*4608\. Received: 7"),
        (np.full((4608, 3), np.nan), "`codes` has NaN"),
        (np.zeros(4608), r"Invalid shape for `codes`"),
        (np.zeros((4608, 0)), r"Invalid shape for `codes`"),
    ],
)
def test_refuses_an_encoder_without_codes(sprites, codes, message):
    with pytest.raises(ValueError, match=message):
        disentanglement_score(lambda _: codes, sprites)


@pytest.mark.parametrize("changes", [{"num_pairs": 0}, {"num_train": 49}, {"num_eval": 0}])
def test_refuses_too_few_points(sprites, changes):
    name = next(iter(changes))
    with pytest.raises(ValueError, match=f"Invalid value for `{name}`"):
        disentanglement_score(lambda _: sprites.factors, sprites, **changes)
