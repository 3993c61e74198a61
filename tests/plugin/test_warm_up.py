"""What napari builds for its first labels layer, built ahead in a thread."""

from __future__ import annotations

import subprocess
import sys

WARM_UP = """
import sys
from napari_amseg.plugin.warm_up import warm_up_labels
warm_up_labels().join()
assert warm_up_labels() is warm_up_labels()
assert "pandas" in sys.modules
assert not {"keras", "tensorflow", "torch", "jax"} & set(sys.modules)
"""


def test_it_loads_pandas_and_vispy_once_and_no_keras_and_fails_silently_nowhere():
    done = subprocess.run(
        [sys.executable, "-c", WARM_UP], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
