"""The forms of the steps as records, and back into the widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from napari_amseg.measure.quantities import QUANTITIES
from napari_amseg.plugin.form_records.records import (
    Forms,
    LoadForm,
    MeasureForm,
    PreprocessForm,
    SegmentForm,
    TrainForm,
)
from napari_amseg.plugin.forms import PathEdit

if TYPE_CHECKING:
    from napari.layers import Layer

Layers = Mapping[str, "Layer"]


def forms_of(widgets: Mapping[str, Any]) -> Forms:
    """What the forms of the open steps hold; one that is not complete is named, with the reason."""
    read: dict[str, Any] = {}
    incomplete = {}
    for step, (entry, get, _) in _FORMS.items():
        if step in widgets:
            try:
                read[entry] = get(widgets[step])
            except ValueError as error:
                incomplete[step] = str(error)
    return Forms(**read, incomplete=incomplete)


def fill_form(step: str, widget: Any, forms: Forms, layers: Layers) -> None:
    """Fill the form of a step; layers : those of the workspace, by the names they had.

    Raises
    ------
    ValueError, OSError
        If the widget has no place for what was kept.
    """
    entry, _, put = _FORMS.get(step, ("", None, None))
    form = getattr(forms, entry, None)
    if form is not None and put is not None:
        put(widget, form, layers)


def _name(choice: Any) -> str | None:
    layer = choice.layer()
    return None if layer is None else str(layer.name)


def _choose(choice: Any, name: str | None, layers: Layers) -> None:
    if name is not None and name in layers:
        choice.choose(layers[name])


def _own(choice: Any, name: str | None, layers: Layers) -> bool:
    """Choose the layer that a form belongs to; False if the form belongs to no layer, while
    another one is chosen now: what the form says is not said of that.

    Raises
    ------
    ValueError
        If the layer was not opened.
    """
    if name is not None and name not in layers:
        raise ValueError(
            f"layer {name!r} is not there: the form stays as it is, as what was kept is not of "
            "another layer."
        )
    _choose(choice, name, layers)
    return name is not None or choice.layer() is None


def _complete(path: PathEdit) -> str:
    """A path as typed, complete: the next time napari may run elsewhere."""
    from pathlib import Path

    typed = path.path()
    return str(Path(typed).expanduser().absolute()) if typed else ""


def _load(widget: Any) -> LoadForm:
    return LoadForm(_complete(widget.path), widget.experiment.value())


def _fill_load(widget: Any, form: LoadForm, layers: Layers) -> None:
    widget.show_stack(form.stack, form.experiment)


def _preprocess(widget: Any) -> PreprocessForm:
    return PreprocessForm(_name(widget.image), widget.form.value(), widget.live.isChecked())


def _fill_preprocess(widget: Any, form: PreprocessForm, layers: Layers) -> None:
    if _own(widget.image, form.image, layers):
        widget.live.setChecked(form.live)
        widget.form.set_value(form.chain)


def _segment(widget: Any) -> SegmentForm:
    return SegmentForm(
        _name(widget.image), widget.settings.value(), widget.maps.value(), widget.post.value()
    )


def _fill_segment(widget: Any, form: SegmentForm, layers: Layers) -> None:
    if _own(widget.image, form.image, layers):
        widget.settings.set_value(form.settings)
        widget.maps.set_value(form.maps)
        widget.post.set_value(form.post)


def _measure(widget: Any) -> MeasureForm:
    page = widget.page
    return MeasureForm(
        _name(page.labels),
        _name(page.compare),
        page.experiment.value(),
        page.settings.value(),
        widget.chosen_range,
        tuple(quantity.stem for quantity in page.range.quantities()),
        page.quantity.currentData(),
    )


def _fill_measure(widget: Any, form: MeasureForm, layers: Layers) -> None:
    page = widget.page
    unknown = [stem for stem in (*form.quantities, form.quantity) if stem not in QUANTITIES]
    if form.quantities and unknown:
        raise ValueError(f"quantity {unknown[0]!r} is unknown.")
    if not _own(page.labels, form.labels, layers):
        return
    _choose(page.compare, form.compare, layers)
    page.experiment.set_value(form.experiment)
    page.settings.set_value(form.settings)
    if form.quantities:
        page.range.choose([QUANTITIES[stem] for stem in form.quantities])
    if form.quantity is not None:
        page.quantity.setCurrentIndex(page.quantity.findData(form.quantity))
    if form.within is not None:
        widget.choose_range(*form.within)


def _train(widget: Any) -> TrainForm:
    source, network, training = widget.source, widget.network, widget.training
    return TrainForm(
        _name(source.image),
        _name(source.labels),
        None if source.is_layers else _complete(source.folder),
        source.split(),
        network.network_box.currentText(),
        network.is_small,
        None if network.is_new else network.model.box.currentData(),
        network.freeze.isChecked(),
        training.settings(),
        training.augment.value(),
        _complete(widget.output.path),
    )


def _fill_train(widget: Any, form: TrainForm, layers: Layers) -> None:
    source, network, training = widget.source, widget.network, widget.training
    _choose(source.image, form.image, layers)
    _choose(source.labels, form.labels, layers)
    if form.benchmark is not None:
        source.use_benchmark(form.benchmark, form.split)
    else:
        source.kind_box.setCurrentIndex(0)
    if network.network_box.findText(form.architecture) < 0:
        raise ValueError(f"network {form.architecture!r} is unknown.")
    network.network_box.setCurrentText(form.architecture)
    network.start_box.setCurrentIndex(0 if form.init is None else 1)
    if form.init is not None:
        network.model.choose(form.init)
    network.freeze.setChecked(form.freeze_encoder)
    training.show_settings(form.settings)
    network.choose_width(small=form.small)
    training.augment.set_value(form.augment)
    widget.output.path.set_path(form.folder)


_FORMS: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any, Any, Layers], None]]] = {
    "Load": ("load", _load, _fill_load),
    "Preprocess": ("preprocess", _preprocess, _fill_preprocess),
    "Segment": ("segment", _segment, _fill_segment),
    "Measure": ("measure", _measure, _fill_measure),
    "Train": ("train", _train, _fill_train),
}
