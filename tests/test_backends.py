"""Networks and training again under JAX and PyTorch: one process has one Keras backend."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys

import pytest

HIDE_GPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_networks_and_training_under_another_backend(repository, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install 'napari-amseg[backends]'")
    training = ["test_run.py", "test_metric.py", "test_norms.py", "test_network.py"]
    tests = [
        "tests/models/test_networks.py",
        *(f"tests/train/{name}" for name in training),
        *("-m", "slow or not slow"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *tests, "-q", "-p", "no:xdist"],
        cwd=repository,
        env=os.environ | HIDE_GPU | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed in", done.stdout, re.MULTILINE), done.stdout
