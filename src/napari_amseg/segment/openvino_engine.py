"""OpenVINO on CPUs: the Keras network exported once, compiled for this processor in float32."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.models import Bundle, architecture


class OpenVinoEngine:
    """Float32 inference on the CPU; the class map is part of the compiled graph."""

    name = "openvino"

    def __init__(self, bundle: Bundle) -> None:
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
            network = _with_class_map(ov.convert_model(exported), bundle.card.scheme.codes)
            options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
            self._compiled = core.compile_model(network, "CPU", options)

    def class_maps(self, batch: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Label codes (B, Y, X) of frames (B, Y, X)."""
        return np.array(self._compiled(batch[..., np.newaxis])[0], np.uint8)


def _with_class_map(network: Any, codes: tuple[int, ...]) -> Any:
    """The network with its softmax output replaced by the code of the most probable class."""
    import openvino as ov
    from openvino import opset13 as ops

    softmax = network.output(0).get_node().input_value(0)
    best = ops.topk(softmax, ops.constant(1), axis=-1, mode="max", sort="value")
    channel = ops.squeeze(best.output(1), ops.constant([-1]))
    code = ops.gather(ops.constant(np.array(codes, np.uint8)), channel, ops.constant(0))
    return ov.Model([code], network.get_parameters(), "class_map")
