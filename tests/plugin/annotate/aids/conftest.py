"""Fixtures of the aids: a stack under annotation in a real viewer, with the aids beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton

from napari_amseg.annotate.annotation import Status
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.plugin.annotate.aids.aid import Aid
from napari_amseg.plugin.annotate.aids.panel import AidsPanel
from napari_amseg.plugin.annotate.session import Session, empty_annotation

PATIENCE_MS = 60_000
State = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass
class AidsBench:
    """The aids on a stack, pressed as a person does."""

    panel: AidsPanel
    session: Session
    qtbot: Any

    @property
    def status(self) -> str:
        """What the last aid said, with plain spaces."""
        return self.panel.desk.outcome.status.text()

    def state(self) -> State:
        """Copies of labels, marks and statuses."""
        annotation = self.session.annotation
        return (
            np.array(annotation.labels),
            np.array(annotation.by_hand),
            annotation.statuses.copy(),
        )

    def paint(self, frame: int, mask: np.ndarray, code: int) -> None:
        """Paint pixels by hand, as one stroke."""
        self.session.go_to(frame)
        self.session.layer.data_setitem((np.full(mask.sum(), frame), *np.nonzero(mask)), code)

    def complete(self, *frames: int) -> None:
        """Call frames complete."""
        self.session.set_status(frames, Status.COMPLETE)

    def open(self, aid: Aid) -> None:
        """Open the fold of an aid."""
        self.panel.folds[self.panel.aids.index(aid)].button.setChecked(True)

    def click(self, button: QPushButton) -> None:
        """Press a button that can be pressed."""
        assert button.isEnabled(), button.toolTip()
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def press(self, button: QPushButton) -> None:
        """Press a button and wait for what comes of it."""
        self.click(button)
        self.wait()

    def wait(self) -> None:
        """Wait until no aid works."""
        desk, snap = self.panel.desk, self.panel.snap
        self.qtbot.waitUntil(lambda: desk.run is None and not snap.busy, timeout=PATIENCE_MS)
        self.qtbot.wait(1)

    def check_one_step(self, act: Callable[[], None]) -> None:
        """Check that what `act` does is one step, undone to the pixel and done again, and that
        confirmed pixels stay.
        """
        layer, annotation = self.session.layer, self.session.annotation
        before, steps = self.state(), len(layer._undo_history)
        confirmed = np.stack([annotation.confirmed(t) for t in range(self.session.n_frames)])
        act()
        after = self.state()
        assert not same(before, after), self.status
        assert len(layer._undo_history) == steps + 1
        if "snapped" not in self.status:  # what the stroke itself painted is by hand
            assert np.array_equal(after[0][confirmed], before[0][confirmed])
            assert after[1][before[1]].all()
        layer.undo()
        assert same(self.state(), before)
        layer.redo()
        assert same(self.state(), after)


def same(one: State, other: State) -> bool:
    """Whether labels, marks and statuses are equal."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def aids(viewer, qtbot):
    """Open the aids on frames (T, Y, X)."""
    benches = []

    def opened(images: np.ndarray, scheme=DEFAULT_SCHEME) -> AidsBench:
        layer = viewer.add_image(images, name="run")
        session = Session(viewer, layer, empty_annotation(images.shape, scheme))
        panel = AidsPanel(viewer)
        viewer.window.add_dock_widget(panel, name="aids")
        panel.set_session(session)
        session.layer.selected_label = int(scheme.codes[0])
        benches.append(AidsBench(panel, session, qtbot))
        return benches[-1]

    yield opened
    for bench in benches:
        bench.panel.stop()
        bench.session.close()


@pytest.fixture(scope="session")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Ten frames uint16 (10, 96, 160) of a keyhole that moves by two columns a frame through a
    substrate with a pore, and their labels.
    """
    truth = np.full((10, 96, 160), Label.BACKGROUND, np.uint8)
    truth[:, 40:] = Label.SUBSTRATE
    truth[:, 70:80, 20:30] = Label.PORE
    for t in range(10):
        truth[t, 40:66, 60 + 2 * t : 76 + 2 * t] = Label.KEYHOLE
    grey = np.zeros(256, np.float32)
    grey[[Label.KEYHOLE, Label.PORE, Label.SUBSTRATE, Label.BACKGROUND]] = 3000, 2900, 1200, 2400
    noise = np.random.default_rng(5).normal(0, 60, truth.shape)
    return (grey[truth] + noise).astype(np.uint16), truth


@pytest.fixture
def bench(aids, drawn) -> AidsBench:
    """The aids on the drawn frames."""
    return aids(drawn[0])
