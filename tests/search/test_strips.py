"""Rows of samples by epoch, and what a worker shows of the front."""

import io
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from search.errors import StoreError
from search.showcase import Showcase
from search.strips import over_epochs, strip_epoch, strip_name


def row(grey: int, mode: str = "L") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (40, 20), grey if mode == "L" else (grey,) * 3).save(file, format="PNG")
    return file.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_rows_stand_below_each_other_by_epoch_with_its_number(mode):
    sheet = np.asarray(Image.open(io.BytesIO(over_epochs({12: row(90, mode), 3: row(30, mode)}))))
    margin = sheet.shape[1] - 120
    assert sheet.shape == (120, margin + 120, 3)
    assert (sheet[:60, margin:] == 30).all()
    assert (sheet[60:, margin:] == 90).all()
    numbers = sheet[:, :margin]
    assert (numbers[:60] != 255).any()
    assert (numbers[:60] != numbers[60:]).any()


def test_a_rows_name_tells_its_epoch_and_no_other_name_does():
    assert strip_epoch(strip_name(27)) == 27
    assert strip_epoch("weights-000027.npz") is None
    assert strip_epoch("strip-000027.png.txt") is None


class TestShowcase:
    FILES: ClassVar = {
        "encoder/MLmodel": b"flavors",
        "encoder/data/model.keras": b"PK",
        "latents.png": b"x",
    }

    @pytest.fixture
    def showcase(self, tmp_path):
        return Showcase(str(tmp_path), "id")

    def test_what_was_added_is_read(self, showcase):
        showcase.add(3, 12, self.FILES)
        assert showcase.read(3, 12) == self.FILES
        assert showcase.read(3, 13) == showcase.read(4, 12) == {}

    def test_what_was_cut_off_before_its_index_does_not_exist(self, showcase, tmp_path):
        showcase.add(3, 12, self.FILES)
        index = tmp_path / "id" / "front" / "00003" / "000012" / "index.json"
        index.write_bytes(index.read_bytes()[:7])
        assert showcase.read(3, 12) == {}
        index.unlink()
        assert showcase.read(3, 12) == {}

    def test_a_file_that_is_gone_is_named(self, showcase, tmp_path):
        showcase.add(3, 12, self.FILES)
        (tmp_path / "id" / "front" / "00003" / "000012" / "latents.png").unlink()
        with pytest.raises(StoreError, match=r"000012/latents\.png is missing"):
            showcase.read(3, 12)

    def test_deleting_begins_with_the_index(self, showcase):
        showcase.add(3, 12, self.FILES)
        [(key, files)] = showcase.files().items()
        assert key == (3, 12)
        assert files[0].name == "index.json"
        showcase.delete(files[0])
        assert showcase.read(3, 12) == {}
        for file in files:
            showcase.delete(file)
        assert showcase.files() == {}
