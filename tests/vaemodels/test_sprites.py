import numpy as np
import pytest

from vaemodels.data.sprites import (
    FACTOR_SIZES,
    draw_sprites,
    factor_rows,
    factor_table,
    make_sprites,
)

MIDDLE = {"shape": 0, "scale": 2, "rotation": 0, "x": 3, "y": 4}


@pytest.fixture(scope="module")
def sprites():
    return make_sprites()


def sweep(name, **changes):
    """The images of all values of one factor, the others as in MIDDLE."""
    values = range(FACTOR_SIZES[name])
    rows = [list((MIDDLE | changes | {name: value}).values()) for value in values]
    return draw_sprites(np.array(rows))[..., 0].astype(np.float64)


def centre(images, axis):
    weights = images.sum(axis=2 if axis == "y" else 1)
    return (weights * np.arange(images.shape[1])).sum(axis=1) / weights.sum(axis=1)


def test_every_combination_has_an_image_of_its_own(sprites):
    assert sprites.images.shape == (4608, 16, 16, 1)
    assert sprites.images.dtype == np.float32
    assert sprites.images.min() == 0.0
    assert sprites.images.max() == 1.0
    bytes_of_images = {image.tobytes() for image in (255 * sprites.images).astype(np.uint8)}
    assert len(bytes_of_images) == len(np.unique(sprites.factors, axis=0)) == 4608


def test_the_table_finds_its_own_rows(sprites):
    np.testing.assert_array_equal(factor_rows(factor_table()), np.arange(4608))
    wanted = np.array([[2, 3, 5, 7, 7], [0, 0, 0, 0, 0], [1, 2, 3, 4, 5]])
    np.testing.assert_array_equal(sprites.images[factor_rows(wanted)], draw_sprites(wanted))


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize("shape", [0, 1, 2])
def test_places_are_evenly_spaced(name, shape):
    images = sweep(name, shape=shape)
    steps = np.diff(centre(images, name))
    assert steps == pytest.approx(np.full(7, 16 * 0.44 / 7), abs=0.12)
    other = "y" if name == "x" else "x"
    assert np.ptp(centre(images, other)) < 0.01


def test_area_grows_with_scale_and_hardly_changes_with_the_angle():
    assert (np.diff(sweep("scale").sum(axis=(1, 2))) > 1.0).all()
    turned = sweep("rotation", shape=1, scale=3).sum(axis=(1, 2))
    assert turned == pytest.approx(np.full(6, np.pi / 2 * (0.24 * 16) ** 2), rel=0.05)


def test_a_long_shape_turns_from_lying_towards_standing():
    images = sweep("rotation")
    columns = np.arange(16) - centre(images, "x")[:, None]
    width = (images.sum(axis=1) * columns**2).sum(axis=1) / images.sum(axis=(1, 2))
    assert (np.diff(width) < 0).all()


def test_a_larger_side_shows_the_same_scene():
    factors = factor_table()[::97]
    small, large = (draw_sprites(factors, side)[..., 0] for side in (16, 32))
    halved = large.reshape(len(factors), 16, 2, 16, 2).mean(axis=(2, 4))
    assert np.abs(halved - small).mean() < 0.02


@pytest.mark.parametrize("call", [draw_sprites, factor_rows])
@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (np.zeros((2, 4), int), r"shape \(num_images, 5\)\. Received: shape=\(2, 4\)"),
        (np.zeros((2, 5)), "Expected integers.*dtype=float64"),
        (
            np.array([[0, 0, 0, 0, 0], [0, 4, 0, 0, 0]]),
            r"'scale' in 0 \.\. 3\. Received: 4 in row 1",
        ),
        (np.array([[0, 0, 0, 0, -1]]), r"'y' in 0 \.\. 7\. Received: -1"),
    ],
)
def test_refuses_factors_that_do_not_exist(call, factors, message):
    with pytest.raises(ValueError, match=message):
        call(factors)


@pytest.mark.parametrize("side", [7, 16.0])
def test_refuses_images_too_small_for_a_shape(side):
    with pytest.raises(ValueError, match="Invalid value for `side`"):
        make_sprites(side)
