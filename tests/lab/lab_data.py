"""A loader of images, as a user of vaesearch would write one."""

from lab_tools import stripes


def load(data_dir=None):
    """Returns images of stripes in four directions, with labels; `data_dir` makes them thicker."""
    width = 1 if data_dir is None else int((data_dir / "width.txt").read_text())
    images, labels = stripes(num_images=240, width=width)
    return {"images": images, "labels": labels}


def load_nothing():
    return 17


def load_failing():
    raise OSError("the tape is torn")
