import io

import numpy as np
import pytest
from PIL import Image

from vaemodels.analysis.sheets import image_pairs, image_sheet, write_png


def flat_images(values, channels=1):
    return np.broadcast_to(
        np.array(values, np.float32)[:, None, None, None], (len(values), 2, 3, channels)
    )


def test_images_stand_row_by_row_with_gaps():
    sheet = image_sheet(flat_images([0.0, 1.0, 0.4]), columns=2, gap=1)
    assert sheet.shape == (1 + 2 * 3, 1 + 2 * 4)
    assert (sheet[1:3, 1:4] == 0).all()
    assert (sheet[1:3, 5:8] == 255).all()
    assert (sheet[4:6, 1:4] == 102).all()
    assert (sheet[0] == 128).all()
    assert (sheet[4:6, 5:8] == 128).all()  # no fourth image


def test_zoom_repeats_pixels():
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1) / 10
    sheet = image_sheet(image, columns=1, zoom=2, gap=0)
    expected = np.rint(image[0, ..., 0] * 255).astype(np.uint8)
    np.testing.assert_array_equal(sheet, expected.repeat(2, axis=0).repeat(2, axis=1))


def test_few_images_make_a_narrow_sheet_and_colour_stays():
    assert image_sheet(flat_images([0.1, 0.2], channels=3), columns=10).shape == (4, 9, 3)


def test_pairs_alternate():
    pairs = image_pairs(flat_images([0.1, 0.2]), flat_images([0.3, 0.4]))
    np.testing.assert_allclose(pairs[:, 0, 0, 0], [0.1, 0.3, 0.2, 0.4])


@pytest.mark.parametrize("channels", [1, 3])
def test_png_holds_the_sheet(channels, tmp_path):
    sheet = image_sheet(flat_images([0.0, 0.5], channels), columns=2)
    write_png(sheet, tmp_path / "sheet.png")
    buffer = io.BytesIO()
    write_png(sheet, buffer)
    with Image.open(tmp_path / "sheet.png") as stored:
        np.testing.assert_array_equal(np.asarray(stored), sheet)
    assert buffer.getvalue() == (tmp_path / "sheet.png").read_bytes()


@pytest.mark.parametrize(
    ("images", "arguments", "message"),
    [
        (np.zeros((2, 3, 3)), {}, r"Invalid shape for `images`.*\(2, 3, 3\)"),
        (np.zeros((2, 3, 3, 2)), {}, r"1 or 3\)"),
        (np.full((1, 2, 2, 1), 1.5), {}, r"\[0, 1\].*1\.5"),
        (np.full((1, 2, 2, 1), np.nan), {}, r"\[0, 1\].*nan"),
        (np.zeros((1, 2, 2, 1)), {"columns": 0}, r"`columns`.*>= 1.*columns=0"),
        (np.zeros((1, 2, 2, 1)), {"zoom": 0}, r"`zoom`.*>= 1.*zoom=0"),
        (np.zeros((1, 2, 2, 1)), {"gap": -1}, r"`gap`.*>= 0.*gap=-1"),
    ],
)
def test_refuses_what_it_cannot_draw(images, arguments, message):
    with pytest.raises(ValueError, match=message):
        image_sheet(images, **{"columns": 2, **arguments})


def test_refuses_pairs_of_different_shapes():
    with pytest.raises(ValueError, match=r"`reconstructions`.*\(2, 2, 3, 1\).*\(1, 2, 3, 1\)"):
        image_pairs(flat_images([0.1, 0.2]), flat_images([0.3]))
