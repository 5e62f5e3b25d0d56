"""Keras is loaded without the libraries that it only tries, which stay as importable as ever."""

import subprocess
import sys

CODE = """
import gc, sys
from search.models.quiet import load_keras
load_keras()
print([name for name in ("matplotlib", "pandas", "sklearn", "scipy.stats") if name in sys.modules])
assert gc.isenabled()
import matplotlib.pyplot, pandas, sklearn.mixture, keras
print(keras.layers.Dense(2)(keras.ops.ones((1, 3))).shape)
load_keras()
"""


def test_what_keras_only_tries_is_imported_when_it_is_needed():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "(1, 2)"]
