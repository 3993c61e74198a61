"""Every real recording opens in napari as by hand: dropped on the window, or from the menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dask.array as da
import h5py
import numpy as np
import pytest
from npe2 import PluginManifest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

import napari_amseg
from napari_amseg.io.read import READERS
from napari_amseg.plugin.files import get_reader
from napari_amseg.plugin.layers import KEY, ImageSource

LEFT_TO_NAPARI = {".png", ".jpg", ".jpeg", ".bmp"}


def twelve_bit(path):
    """Bit by bit, the highest first."""
    bits = np.unpackbits(np.fromfile(path, np.uint8)).reshape(-1, 12)
    values = bits.astype(np.uint16) @ (1 << np.arange(11, -1, -1, dtype=np.uint16))
    return values.reshape(15, 384, 384)


def nexus(folder):
    """The frames whose key says that they are neither flat nor dark, through no link."""
    with h5py.File(folder / "k11-18014.nxs") as scan:
        keys = scan["entry/instrument/imaging/image_key"][()]
    with h5py.File(folder / "k11-18014" / "k11-18014-imaging.h5") as file:
        return file["entry/detector/detector"][()][keys == 0]


def data_exchange(folder):
    with h5py.File(folder / "tooth.h5") as file:
        return file["exchange/data"][()]


@dataclass(frozen=True)
class Real:
    """What a file holds, read without our readers; a flat and a dark if it has them."""

    file: str
    frames: Callable[[Path], np.ndarray]
    frame_rate_hz: float | None
    fields: bool = False


def beam(folder):
    return np.fromfile(folder / "beam.mraw", "<u2").reshape(4, 80, 1024)


def ball(folder):
    return twelve_bit(folder / "ball_12bit.mraw")


REAL = [
    # Recorded at 50 kHz, of which one frame in 2500 was saved.
    Real("beam.cihx", beam, 20.0),
    Real("beam.mraw", beam, 20.0),
    Real("ball_12bit.cihx", ball, 30_000.0),
    Real("ball_12bit.mraw", ball, 30_000.0),
    Real("k11-18014.nxs", nexus, None, fields=True),
    Real("tooth.h5", data_exchange, None, fields=True),
]


def drop(viewer, *paths):
    """Drop files on the window, as a file browser does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    viewer.window._qt_viewer.dropEvent(event)


@pytest.mark.parametrize("by", ["drop", "menu"])
@pytest.mark.parametrize("real", REAL, ids=lambda real: real.file)
def test_real_recordings_open_by_hand(viewer, real_data, real, by):
    path = real_data / "formats" / real.file
    if by == "drop":
        drop(viewer, path)
    else:
        viewer.open(str(path), plugin="napari-amseg")
    (layer,) = viewer.layers
    expected = real.frames(path.parent)
    assert layer.name == path.stem
    assert isinstance(layer.data, da.Array)
    assert layer.data.shape == expected.shape
    assert layer.data.dtype == expected.dtype
    for t in (0, len(expected) // 2, len(expected) - 1):
        np.testing.assert_array_equal(np.asarray(layer.data[t]), expected[t])
    source = layer.metadata[KEY]
    assert isinstance(source, ImageSource)
    assert source.experiment.frame_rate_hz == real.frame_rate_hz
    assert source.experiment.pixel_size_um is None
    assert tuple(layer.scale) == (1, 1, 1)
    recorded = (f"{path}::flats", f"{path}::darks") if real.fields else (None, None)
    assert (source.stack.flat, source.stack.dark) == recorded


def test_header_and_data_dropped_together_are_both_shown(viewer, real_data):
    folder = real_data / "formats"
    drop(viewer, folder / "beam.cihx", folder / "beam.mraw")
    assert {layer.name.split()[0] for layer in viewer.layers} == {"beam"}


def test_a_folder_with_one_recording_opens_when_dropped(viewer, tmp_path, real_data):
    for suffix in (".cihx", ".mraw"):
        (tmp_path / f"beam{suffix}").symlink_to(real_data / "formats" / f"beam{suffix}")
    viewer.open(str(tmp_path), plugin="napari-amseg")
    assert viewer.layers[0].data.shape == (4, 80, 1024)


def test_upper_case_names_open_too(viewer, tmp_path, real_data):
    for suffix in (".CIHX", ".MRAW"):
        (tmp_path / f"BEAM{suffix}").symlink_to(real_data / "formats" / f"beam{suffix.lower()}")
    drop(viewer, tmp_path / "BEAM.MRAW")
    assert viewer.layers[0].data.shape == (4, 80, 1024)


def test_a_recording_that_cannot_be_read_says_why(viewer, tmp_path, real_data):
    (tmp_path / "beam.cihx").symlink_to(real_data / "formats" / "beam.cihx")
    with pytest.raises(FileNotFoundError, match=r"there is no beam\.mraw beside it"):
        viewer.open(str(tmp_path / "beam.cihx"), plugin="napari-amseg")


def test_napari_asks_us_for_every_kind_of_stack_and_leaves_pictures_alone():
    manifest = Path(napari_amseg.__file__).with_name("napari.yaml")
    (reader,) = PluginManifest.from_file(manifest).contributions.readers
    patterns = {pattern.removeprefix("*") for pattern in reader.filename_patterns}
    assert patterns == READERS.keys() - LEFT_TO_NAPARI
    assert reader.accepts_directories
    assert all(get_reader(f"run{suffix}") for suffix in READERS)
