"""OpenVINO on CPUs: the Keras network exported once, compiled for this processor in float32."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.models import Bundle, architecture
from napari_amseg.segment.engine import Floats, Prediction
from napari_amseg.segment.uncertainty import LEAST_PROBABILITY, scored_channels


class OpenVinoEngine:
    """Float32 inference on the CPU; the class map is part of the compiled graph."""

    name = "openvino"

    def __init__(self, bundle: Bundle, *, confidence: bool = False) -> None:
        try:
            import openvino as ov
        except ImportError as error:
            raise ImportError(
                "The OpenVINO engine needs: pip install 'napari-amseg[cpu]'"
            ) from error
        self.multiple = architecture(bundle.card.architecture).multiple
        core = ov.Core()
        self.device = f"openvino on {core.get_property('CPU', 'FULL_DEVICE_NAME').strip()}"
        with tempfile.TemporaryDirectory() as folder:
            exported = Path(folder) / "model"
            bundle.model.export(exported, format="tf_saved_model", verbose=False)
            network = _with_prediction(ov.convert_model(exported), bundle, confidence)
            options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
            self._compiled = core.compile_model(network, "CPU", options)

    def predict(self, batch: Floats, rows: Floats, columns: Floats) -> Prediction:
        """Class maps of frames (B, Y, X)."""
        found = self._compiled([batch[..., np.newaxis], rows, columns])
        return Prediction(*(np.array(found[i]) for i in range(len(found))))


def _with_prediction(network: Any, bundle: Bundle, confidence: bool) -> Any:
    """The network with its softmax reduced to what a :class:`Prediction` holds.

    Everything is done on planes (B, Y, X), one a class, and summed by matrix products, which costs
    next to nothing; on (B, Y, X, classes) it would take a tenth of the network's own time.
    """
    import openvino as ov
    from openvino import opset13 as ops

    softmax = network.output(0).get_node().input_value(0)
    rows, columns = (ops.parameter([-1, -1], np.float32, name) for name in ("rows", "columns"))
    scheme = bundle.card.scheme
    planes = [
        ops.gather(softmax, _number(i, np.int32), _number(3, np.int32))
        for i in range(len(scheme.codes))
    ]
    best = planes[0]
    code = ops.broadcast(_number(scheme.codes[0]), ops.shape_of(best))
    for plane, other in zip(planes[1:], scheme.codes[1:], strict=True):
        code = ops.select(ops.greater(plane, best), _number(other), code)
        best = ops.maximum(plane, best)
    areas = [
        _total(part, rows, columns)
        for i in scored_channels(scheme)
        for part in _parts(planes[i], ops.equal(code, _number(scheme.codes[i])))
    ]
    shape = ops.constant(np.array([0, -1, 3]))
    outputs = [
        ops.convert(code, "u8"),
        ops.reshape(ops.concat(areas, 1), shape, special_zero=True),
    ]
    if confidence:
        of_255 = ops.round(ops.multiply(best, _number(255)), "half_to_even")
        outputs.append(ops.convert(of_255, "u8"))
    return ov.Model(outputs, [*network.get_parameters(), rows, columns], "prediction")


def _number(value: float, dtype: Any = np.float32) -> Any:
    from openvino import opset13 as ops

    return ops.constant(np.asarray(value, dtype))


def _parts(probability: Any, chosen: Any) -> tuple[Any, Any, Any]:
    """What adds up to the predicted, hit and expected pixels of a class, each (B, Y, X)."""
    from openvino import opset13 as ops

    predicted = ops.convert(chosen, "f32")
    likely = ops.convert(ops.greater_equal(probability, _number(LEAST_PROBABILITY)), "f32")
    return predicted, ops.multiply(predicted, probability), ops.multiply(likely, probability)


def _total(plane: Any, rows: Any, columns: Any) -> Any:
    """Sum (B, 1) of a plane (B, Y, X) over the rows and columns that count."""
    from openvino import opset13 as ops

    by_row = ops.matmul(plane, ops.unsqueeze(columns, _number(2, np.int32)), False, False)
    total = ops.matmul(ops.unsqueeze(rows, _number(1, np.int32)), by_row, False, False)
    return ops.squeeze(total, _number(2, np.int32))
