"""Image data sets, checked once, split once, hashed, and memory-mapped from one file."""

from vaemodels.data.dataset import Dataset as Dataset
from vaemodels.data.dataset import Split as Split
from vaemodels.data.dataset import open_dataset as open_dataset
from vaemodels.data.load import load_dataset as load_dataset
