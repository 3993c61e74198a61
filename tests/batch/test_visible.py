"""A worker that does not see the files says so before the first task."""

from __future__ import annotations

from napari_amseg import __version__
from napari_amseg.batch.visible import what_is_missing


def test_what_a_worker_lacks_is_named(tmp_path):
    lease = tmp_path / "lease"
    assert "does not see the folder of results" in what_is_missing(str(lease), [], __version__)
    lease.touch()
    assert what_is_missing(str(lease), [str(tmp_path)], __version__) is None
    other = str(tmp_path / "raw")
    assert f"does not see {other}" in what_is_missing(str(lease), [other], __version__)
    assert "use the same everywhere" in what_is_missing(str(lease), [], "0.0.1")
