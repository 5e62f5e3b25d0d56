"""Pictures inside of a page."""

import base64
import io

from PIL import Image

_COLOURS = 64  # enough for points, lines and letters on white


def smaller(content: bytes) -> bytes:
    """Returns the PNG of a drawing with fewer colours, a third of its size."""
    buffer = io.BytesIO()
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    picture.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        buffer, "PNG", optimize=True
    )
    return buffer.getvalue()


def data_uri(content: bytes) -> str:
    """Returns a PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")
