"""What is to be annotated, with which classes, going on with which benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_amseg.annotate.owner import user_name
from napari_amseg.annotate.schemes import SCHEMES
from napari_amseg.dataset.benchmark import Benchmark, open_benchmark
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.fields import DropDown
from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import PathEdit, TidyForm
from napari_amseg.plugin.layers import is_image, is_upright
from napari_amseg.plugin.preferences import preferences

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer


class StartForm(QWidget):
    """The stack, the classes, the person, and if wanted the experiment to go on with."""

    changed = Signal()
    start = Signal()

    def __init__(self, viewer: napari.components.ViewerModel):
        super().__init__()
        self.image = LayerChoice(
            viewer,
            lambda layer: is_image(layer) and is_upright(layer),
            nothing="open an image stack first",
        )
        self.image.setToolTip(
            "The stack to label, raw or preprocessed. Layers that are turned or sheared are not "
            "offered."
        )
        self.classes = DropDown()
        self.classes.addItems(list(SCHEMES))
        for index, scheme in enumerate(SCHEMES.values()):
            self.classes.setItemData(index, ", ".join(scheme.names), Qt.ItemDataRole.ToolTipRole)
        self.classes.setToolTip(
            f"What is told apart; the paper's five are {', '.join(DEFAULT_SCHEME.names)}.\n"
            "A benchmark that is gone on with has its own."
        )
        self.annotator = QLineEdit()
        self.annotator.setPlaceholderText(preferences().annotator or user_name())
        self.annotator.setToolTip("Who labels: written beside every frame that is saved.")
        self.benchmark = PathEdit(file=False, hint="new, or chosen when saving")
        self.benchmark.setToolTip("Benchmark folder whose labels of this stack are gone on with.")
        self.experiment = QLineEdit()
        self.experiment.setToolTip("Name of the experiment in that benchmark.")
        self.button = QPushButton("Annotate")
        top, more = QWidget(), QWidget()
        form, folded = TidyForm(top), TidyForm(more)
        form.add("image", self.image)
        form.add("classes", self.classes)
        folded.add("annotator", self.annotator)
        folded.add("benchmark", self.benchmark)
        folded.add("experiment", self.experiment)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(top)
        layout.addWidget(Fold("Annotator; go on with a benchmark", more))
        layout.addWidget(self.button)
        self.image.layer_changed.connect(self.changed)
        self.button.clicked.connect(self.start)

    def layer(self) -> Layer | None:
        """The image layer to annotate."""
        return self.image.layer()

    def person(self) -> str:
        """Who annotates; whom the preferences name or else the user of this system unless named."""
        return self.annotator.text().strip() or self.annotator.placeholderText()

    def place(self) -> tuple[Path, str] | None:
        """Benchmark folder and experiment to go on with; None for neither.

        Raises
        ------
        ValueError
            If only one of them is given.
        """
        folder, name = self.benchmark.path(), self.experiment.text().strip()
        if bool(folder) != bool(name):
            raise ValueError(
                f"benchmark is {folder or 'not given'}, experiment is {name or 'not given'}: to go "
                "on with labels both are needed; leave both empty to begin anew."
            )
        return (Path(folder).expanduser(), name) if folder else None

    def scheme(self) -> LabelScheme:
        """The classes that were chosen."""
        return SCHEMES[self.classes.currentText()]

    def stop(self) -> None:
        """Listen no more."""
        self.image.stop()


def opened_benchmark(place: tuple[Path, str]) -> Benchmark:
    """The benchmark to go on with.

    Raises
    ------
    OSError, ValueError
        If there is none, or it lacks the experiment.
    """
    folder, name = place
    benchmark = open_benchmark(folder)
    benchmark.experiment(name)
    return benchmark
