"""What tells that a step may be in another state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_amseg.plugin.layers import is_labels

if TYPE_CHECKING:
    from napari.layers import Layer


def layer_events(layer: Layer) -> tuple[Any, ...]:
    """Another pixel size; labels that are painted on are measured no more."""
    events = layer.events
    return (events.metadata, events.paint) if is_labels(layer) else (events.metadata,)


def step_signals(step: str, widget: Any) -> tuple[Any, ...]:
    """What a widget fires when its state may be another; layers tell the rest."""
    if step == "Segment":
        return widget.image.layer_changed, widget.model.changed
    if step == "Train":
        return (widget.start_button.clicked,)
    if step == "Measure":
        page = widget.page
        return page.labels.layer_changed, page.measure_button.clicked, widget.changed
    return ()
