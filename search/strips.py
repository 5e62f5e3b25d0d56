"""Rows of generated images, one per epoch: how a trial's samples change while it trains."""

import io
import re
from collections.abc import Mapping
from typing import Final

from PIL import Image, ImageDraw

# Of one trial. More rows than this are too many to look at, and to keep.
MOST_STRIPS: Final = 12
_NAME: Final = re.compile(r"strip-(\d{6})\.png")
_ROW_PIXELS: Final = 60  # of a row's height at least
_MARGIN: Final = 44  # pixels, for the epoch's number
_BACKGROUND: Final = 255
_INK: Final = 60


def strip_name(epoch: int) -> str:
    """Returns the name of an epoch's row in a checkpoint."""
    return f"strip-{epoch:06d}.png"


def strip_epoch(name: str) -> int | None:
    """Returns the epoch of a row, None for another object's name."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def over_epochs(strips: Mapping[int, bytes]) -> bytes:
    """Returns the rows below each other as one PNG file, each with its epoch to the left.

    Args:
        strips: Epoch -> PNG file of a row; at least one, all of one size.
    """
    rows = {epoch: Image.open(io.BytesIO(content)) for epoch, content in sorted(strips.items())}
    width, height = next(iter(rows.values())).size
    zoom = -(-_ROW_PIXELS // height)
    width, height = width * zoom, height * zoom
    sheet = Image.new("RGB", (_MARGIN + width, height * len(rows)), (_BACKGROUND,) * 3)
    pen = ImageDraw.Draw(sheet)
    for index, (epoch, row) in enumerate(rows.items()):
        top = index * height
        sheet.paste(
            row.convert("RGB").resize((width, height), Image.Resampling.NEAREST), (_MARGIN, top)
        )
        pen.text((_MARGIN - 6, top + height // 2), str(epoch), fill=(_INK,) * 3, anchor="rm")
    file = io.BytesIO()
    sheet.save(file, format="PNG")
    return file.getvalue()
