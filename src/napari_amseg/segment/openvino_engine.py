"""OpenVINO on CPUs: the network compiled for this processor once, kept for the next run."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Any

import numpy as np

from napari_amseg.labels import LabelScheme
from napari_amseg.models import Bundle, architecture
from napari_amseg.segment.compiled_cache import CompiledCache
from napari_amseg.segment.engine import Floats, Prediction
from napari_amseg.segment.openvino_network import openvino_logits
from napari_amseg.segment.uncertainty import LEAST_PROBABILITY, scored_channels

# OpenVINO's Python sets itself up in its first calls; two threads that do so at once wait for each
# other for ever.
_FIRST_CALL = threading.Lock()


class OpenVinoEngine:
    """Inference on the CPU; the class map is part of the compiled graph.

    Several frames are done at once, each by few threads: less waiting than many threads on one.

    Parameters
    ----------
    bundle : the model. precision : ``bf16``, ``f32``, or ``auto`` for bf16 where the processor
        computes with it. confidence : whether predictions hold that map.

    Raises
    ------
    ImportError
        If OpenVINO is not installed.
    ValueError
        If bf16 is asked for on a processor without it, or the network has a layer not known here.
    """

    name = "openvino"
    batch_pixels = 1  # frame by frame: what one thread works on stays near the processor

    def __init__(
        self, bundle: Bundle, *, precision: str = "auto", confidence: bool = False
    ) -> None:
        try:
            import openvino as ov
        except ImportError as error:
            raise ImportError(
                "The OpenVINO engine needs: pip install 'napari-amseg[cpu]'"
            ) from error
        self.multiple = architecture(bundle.card.architecture).multiple
        core = ov.Core()
        self.precision = _precision(core, precision)
        processor = core.get_property("CPU", "FULL_DEVICE_NAME").strip()
        self.device = f"openvino {self.precision} on {processor}"
        options = {"INFERENCE_PRECISION_HINT": self.precision, "PERFORMANCE_HINT": "THROUGHPUT"}
        cache = CompiledCache(bundle, ov.__version__, processor, options)
        network = cache.load(core, options)
        if network is None:
            network = core.compile_model(logits_network(bundle), "CPU", options)
            cache.keep(network)
        # A graph of its own, always in float32: sums over a frame in bf16 would be off by percents.
        reduced = core.compile_model(
            reduction(bundle.card.scheme, confidence=confidence),
            "CPU",
            options | {"INFERENCE_PRECISION_HINT": "f32"},
        )
        self.parallel = int(network.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._requests: SimpleQueue[tuple[Any, Any]] = SimpleQueue()
        for _ in range(self.parallel + 1):
            self._requests.put((network.create_infer_request(), reduced.create_infer_request()))
        side = np.ones((1, self.multiple), np.float32)
        with _FIRST_CALL:
            self.predict(np.zeros((1, self.multiple, self.multiple), np.float32), side, side)

    def predict(self, batch: Floats, rows: Floats, columns: Floats) -> Prediction:
        """Class maps of frames (B, Y, X)."""
        network, reduced = requests = self._requests.get()
        try:
            network.infer([batch[:, np.newaxis]])
            found = reduced.infer([network.get_output_tensor(0), rows, columns])
            return Prediction(*(np.array(found[i]) for i in range(len(found))))
        finally:
            self._requests.put(requests)


def _precision(core: Any, wanted: str) -> str:
    has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if wanted == "bf16" and not has_bf16:
        raise ValueError("this processor does not compute with bf16: choose precision f32 or auto.")
    if wanted == "auto":
        return "bf16" if has_bf16 else "f32"
    return wanted


def logits_network(bundle: Bundle) -> Any:
    """The network from frames (B, 1, Y, X) to logits (B, classes, Y, X), all float32."""
    import openvino as ov

    frame, logits = openvino_logits(bundle.model)
    return ov.Model([logits], [frame], "logits")


def reduction(scheme: LabelScheme, *, confidence: bool = False) -> Any:
    """From logits, rows and columns to what a :class:`Prediction` holds.

    Everything is done on planes (B, Y, X), one a class, and summed by matrix products, which costs
    next to nothing; on (B, Y, X, classes) it would take a tenth of the network's own time.
    """
    import openvino as ov
    from openvino import opset13 as ops

    logits = ops.parameter([-1, len(scheme.codes), -1, -1], np.float32, "logits")
    rows, columns = (ops.parameter([-1, -1], np.float32, name) for name in ("rows", "columns"))
    planes = _planes(logits, len(scheme.codes))
    best, code = _best(planes, scheme)
    powers = [ops.exp(ops.subtract(plane, best)) for plane in planes]
    total = powers[0]
    for power in powers[1:]:
        total = ops.add(total, power)
    share = ops.divide(_number(1.0), total)  # the probability of the best
    areas = [
        _total(part, rows, columns)
        for i in scored_channels(scheme)
        for part in _parts(
            ops.multiply(powers[i], share), ops.equal(code, _number(scheme.codes[i]))
        )
    ]
    shape = ops.constant(np.array([0, -1, 3]))
    outputs = [
        ops.convert(code, "u8"),
        ops.reshape(ops.concat(areas, 1), shape, special_zero=True),
    ]
    if confidence:
        of_255 = ops.round(ops.multiply(share, _number(255)), "half_to_even")
        outputs.append(ops.convert(of_255, "u8"))
    return ov.Model(outputs, [logits, rows, columns], "prediction")


def _planes(logits: Any, n: int) -> list[Any]:
    """The logits of each class (B, Y, X)."""
    from openvino import opset13 as ops

    # One more axis makes OpenVINO lay the classes out one after the other, here and not later.
    apart = ops.split(ops.unsqueeze(logits, _number(2, np.int64)), _number(1, np.int64), n)
    axes = ops.constant(np.array([1, 2]))
    return [ops.squeeze(apart.output(i), axes) for i in range(n)]


def _best(planes: list[Any], scheme: LabelScheme) -> tuple[Any, Any]:
    """The highest logit (B, Y, X) and the code of its class, as float."""
    from openvino import opset13 as ops

    best = planes[0]
    code = ops.broadcast(_number(scheme.codes[0]), ops.shape_of(best))
    for plane, other in zip(planes[1:], scheme.codes[1:], strict=True):
        code = ops.select(ops.greater(plane, best), _number(other), code)
        best = ops.maximum(plane, best)
    return best, code


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
