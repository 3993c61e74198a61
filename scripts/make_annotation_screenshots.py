"""Pictures of the *Annotate* widget for the documentation, made by annotating a phantom.

    xvfb-run -a -s "-screen 0 1920x1080x24" python scripts/make_annotation_screenshots.py

Needs OpenGL, so an X server (Xvfb will do). Takes some minutes, since a model learns meanwhile.
Work that a crash left is real here too: a second process annotates, and is ended without a word.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# the person who annotates is there
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))
os.environ.setdefault("AMSEG_ANNOTATION_FOLDER", str(Path(tempfile.mkdtemp()) / "annotation"))

import napari
import numpy as np
from annotation_person import Person, cavities, scribbles, written_stack
from event_loop import wait, wait_until
from PIL import Image
from qtpy.QtCore import Qt

from napari_amseg.labels import Label
from napari_amseg.plugin.fold import Fold

ROOT = Path(__file__).resolve().parents[1]
WINDOW = (1280, 800)
FRAME, KEYS = 8, (8, 12)
CORRECTED = 4
SEED = 1
GAP_PX = 6
PAINT, AIDS, MODEL, SAVE = range(4)  # tabs
ANNOTATOR, BENCHMARK = "Ann", "~/beamtime/bench"
EXPERIMENT = {
    "facility": "ESRF",
    "beamline": "ID19",
    "process": "LPBF",
    "substrate_material": "Ti-6Al-4V",
    "powder_material": "Ti-6Al-4V",
    "laser_power_w": 200,
    "scan_speed_mm_s": 500,
    "source": "simulated",
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("-o", "--out", type=Path, default=ROOT / "docs" / "images")
    options.add_argument("--crash", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.crash:
        crash(given.crash)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder  # so that paths in the pictures are short
        path, truth = written_stack(Path(folder))
        subprocess.run([sys.executable, __file__, "--crash", str(path)], check=False)
        viewer = opened()
        person = Person(viewer, path, truth)
        Pictures(viewer, person, given.out).take()
        person.dock.guard.stop()  # it would ask before the window closes
        viewer.close()


def opened() -> napari.Viewer:
    viewer = napari.Viewer(show=True)
    viewer.window.resize(*WINDOW)
    return viewer


def crash(path: Path) -> None:
    """Scribble on three frames, wait for the autosave, and die."""
    from napari_amseg.io import read_stack

    n_frames, rows, columns = read_stack(path).shape
    viewer = opened()
    person = Person(viewer, path, np.zeros((n_frames, rows, columns), np.uint8))
    person.dock.form.annotator.setText(ANNOTATOR)
    person.start()
    for frame in range(3):
        mask = np.zeros((rows, columns), bool)
        mask[rows // 2 : rows // 2 + 40, 200:220] = True
        person.stroke(frame, Label.KEYHOLE, mask)
    wait_until(lambda: not person.dock.keeper.autosave.pending)
    os._exit(1)


class Pictures:
    """Takes the pictures one after another, as the work goes on."""

    def __init__(self, viewer: napari.Viewer, person: Person, out: Path) -> None:
        self.viewer, self.person, self.out = viewer, person, out
        self.dock, self.rng = person.dock, np.random.default_rng(SEED)
        out.mkdir(parents=True, exist_ok=True)

    def take(self) -> None:
        """All of them."""
        self.viewer.dims.set_current_step(0, FRAME)
        self.beginnings()
        self.dock.form.annotator.setText(ANNOTATOR)
        self.person.start()
        self.side_panels(shown=False)
        self.scribbling()
        self.person.undo_all()
        self.surface()
        self.snapping()
        self.interpolation()
        self.model()
        self.saving()
        self.guide()

    def beginnings(self) -> None:
        wait_until(lambda: self.dock.recovery.rows)
        self.window("recovery")
        self.dock.recovery.rows[0].later_button.click()
        self.window("start")

    def scribbling(self) -> None:
        """Scribbles, and what the classifier makes of them."""
        person = self.person
        for label, mask in scribbles(person.truth[FRAME], self.rng):
            person.stroke(FRAME, label, mask)
        person.session.layer.brush_size = 3
        self.window("paint")
        self.aid(person.aids.classify)
        person.press(person.aids.classify.one_button)
        self.window("classifier")

    def surface(self) -> None:
        surface = self.person.aids.surface
        self.aid(surface)
        surface.above.choose(0)
        surface.find_button.click()
        wait_until(lambda: surface.line is not None)
        self.window("surface")
        self.person.press(surface.fill_many_button)

    def snapping(self) -> None:
        person = self.person
        self.aid(person.aids.snap)
        line = next(cavities(person.truth[FRAME], Label.KEYHOLE, self.rng))
        person.stroke(FRAME, Label.KEYHOLE, line)
        where = np.argwhere(line).mean(axis=0)
        before = self.close_up(where, zoom=5)
        person.press(person.aids.snap.snap_button)
        after = self.close_up(where, zoom=5)
        self.write("snap", side_by_side([before, after], WINDOW[0]))
        self.viewer.reset_view()
        for line in cavities(person.truth[FRAME], Label.PORE, self.rng):
            person.snap(FRAME, Label.PORE, line)

    def interpolation(self) -> None:
        person, (first, last) = self.person, KEYS
        for line in cavities(person.truth[last], Label.KEYHOLE, self.rng):
            person.snap(last, Label.KEYHOLE, line)
        self.aid(person.aids.interpolate)
        person.session.go_to(first + 1)
        person.choose(Label.KEYHOLE)
        person.press(person.aids.interpolate.start_button)
        where = np.argwhere(person.truth[(first + last) // 2] == int(Label.KEYHOLE)).mean(axis=0)
        strip = []
        for frame in range(first, last + 1):
            person.session.go_to(frame)
            strip.append(self.close_up(where, zoom=4, width=360))
        self.write("interpolation", side_by_side(strip, WINDOW[0]))
        self.viewer.reset_view()

    def model(self) -> None:
        learn = self.dock.learn
        self.dock.tabs.setCurrentIndex(MODEL)
        self.person.model(learn.all_button)
        for _ in range(CORRECTED):
            learn.go_to_advised()
            self.person.correct(self.person.session.frame)
        self.person.model(learn.learn_button)
        learn.go_to_advised()
        self.window("model")

    def saving(self) -> None:
        panel = self.dock.save
        self.dock.tabs.setCurrentIndex(SAVE)
        Path(BENCHMARK).expanduser().parent.mkdir()
        panel.place.folder.set_path(BENCHMARK)
        panel.place.name.setText("run7")
        for name, value in EXPERIMENT.items():
            field = panel.place.experiment.field(name)
            (field.setText if hasattr(field, "setText") else field.setValue)(value)
        panel.place.findChild(Fold).button.setChecked(True)
        panel.save()
        wait_until(lambda: not panel.is_running)
        self.window("save")

    def guide(self) -> None:
        self.dock.paint.show_guide()
        wait(1)
        guide = self.dock.paint._guide
        guide.resize(900, 800)
        wait(1)
        self.write("guide", as_array(guide.grab()))
        guide.close()

    def aid(self, aid: Any) -> None:
        """Unfold one aid."""
        self.dock.tabs.setCurrentIndex(AIDS)
        aids = self.dock.aids
        aids.folds[aids.aids.index(aid)].button.setChecked(True)

    def side_panels(self, *, shown: bool) -> None:
        """Layer list and controls, which leave more room for the frame when closed."""
        qt_viewer = self.viewer.window._qt_viewer
        for dock in (qt_viewer.dockLayerControls, qt_viewer.dockLayerList):
            dock.setVisible(shown)

    def window(self, name: str) -> None:
        """The whole window."""
        window = self.viewer.window._qt_window
        docks = [self.person.area]
        window.resizeDocks(docks, [400], Qt.Orientation.Horizontal)
        self.viewer.window.resize(*WINDOW)
        wait(0.5)
        self.viewer.reset_view()
        self.viewer.window._qt_window.statusBar().clearMessage()
        wait(1)
        picture = self.viewer.window.screenshot(size=None, canvas_only=False, flash=False)
        self.write(name, picture)

    def close_up(self, where: Any, *, zoom: float, width: int | None = None) -> Any:
        """The canvas around a place in rows and columns of the frame."""
        scale = self.person.session.layer.scale[-1]
        self.viewer.scene.camera.zoom = zoom / scale
        self.viewer.scene.camera.center = tuple(np.asarray(where) * scale)
        wait(0.7)
        picture = self.viewer.window.screenshot(size=None, canvas_only=True, flash=False)
        if width is None:
            return picture
        first = (picture.shape[1] - width) // 2
        return picture[:, first : first + width]

    def write(self, name: str, picture: Any) -> None:
        """With 256 colours: noise makes others large."""
        path = self.out / f"annotate-{name}.png"
        image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
        few = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        print(path, image.size, f"{path.stat().st_size / 1000:.0f} kB", flush=True)


def as_array(pixmap: Any) -> Any:
    from napari._qt.utils import QImg2array

    return QImg2array(pixmap.toImage())


def side_by_side(pictures: list[Any], width: int) -> Any:
    """Of equal width, with a gap, scaled to a total width."""
    gap = np.full((pictures[0].shape[0], GAP_PX, pictures[0].shape[2]), 255, np.uint8)
    row = [part for picture in pictures for part in (picture, gap)][:-1]
    image = Image.fromarray(np.ascontiguousarray(np.concatenate(row, axis=1)[..., :3]))
    height = round(image.height * width / image.width)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main()
