"""Share of pixels whose class stays when the network of a model computes in fewer bits.

    AMSEG_DATA=/path/to/real/frames python benchmarks/rounding.py [--model fast] [-o rounding.json]

bf16 is what the OpenVINO engine does. int8 is imitated, to see if it were worth having: weights
are rounded to 255 levels a channel, or feature maps behind each ReLU to 256 levels, with the
range of each taken from these very frames, the best a calibration could find. Compared with
float32 on up to four frames of each real stack; prints JSON.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from records import give, machine

from napari_amseg import load_bundle, read_stack
from napari_amseg.models import Bundle, architecture
from napari_amseg.segment.openvino_engine import logits_network

STACKS = ("ti64_plate", "hpdc", "amsegnet_test_images/lpbf.jpg", "amsegnet_test_images/weld.jpg",
          "powder_bed/rad_00001h.png")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fast")
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    bundle, folder = load_bundle(given.model), Path(os.environ["AMSEG_DATA"])
    stacks = {name: list(frames(folder / name, bundle)) for name in STACKS}
    every = [frame for some in stacks.values() for frame in some]
    reference = classes(logits_network(bundle), every)
    ways: dict[str, Callable[[], list[Any]]] = {
        "bf16": lambda: classes(logits_network(bundle), every, "bf16"),
        "int8 weights": lambda: classes(with_int8_weights(logits_network(bundle)), every),
        "int8 maps": lambda: classes(with_int8_maps(logits_network(bundle), every), every),
    }
    agreement = {}
    for way, compute in ways.items():
        same = [float((a == b).mean()) for a, b in zip(compute(), reference, strict=True)]
        parts = iter(same)
        agreement[way] = {
            name: [round(next(parts), 5) for _ in some] for name, some in stacks.items()
        }
    give({"machine": machine(), "model": given.model, "agreement": agreement}, given.out)


def frames(path: Path, bundle: Bundle) -> Iterator[Any]:
    """Some frames (1, 1, Y, X) in the input range of the model, cut to sizes that it takes."""
    step = architecture(bundle.card.architecture).multiple
    with read_stack(min(path.rglob("*.tif")) if path.is_dir() else path) as stack:
        ready = bundle.card.chain.apply(stack)
        for t in np.unique(np.linspace(0, len(ready) - 1, 4).astype(int)):
            frame = ready.read(int(t))
            rows, columns = (n // step * step for n in frame.shape)
            yield frame[None, None, :rows, :columns]


def classes(network: Any, some: list[Any], precision: str = "f32") -> list[Any]:
    """Class maps of frames."""
    compiled = ov.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    sides = [[np.ones((1, n), np.float32) for n in frame.shape[2:]] for frame in some]
    return [np.array(compiled([frame, *side])[0]) for frame, side in zip(some, sides, strict=True)]


def with_int8_weights(network: Any) -> Any:
    for node in network.get_ordered_ops():
        if node.get_type_name() == "Constant" and len(node.shape) >= 4 and node.shape[-1] > 1:
            weights = np.array(node.data)
            step = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True) / 127
            rounded = np.round(weights / (step + 1e-30)) * step
            _replace(node.output(0), ops.constant(rounded.astype(np.float32)))
    return network


def with_int8_maps(network: Any, some: list[Any]) -> Any:
    maps = [n for n in network.get_ordered_ops() if n.get_type_name() == "Relu"]
    axes = ops.constant(np.array([0, 1, 2, 3]))
    frame = network.get_parameters()[0]
    probe = ov.Model([ops.reduce_max(node, axes) for node in maps], [frame], "ranges")
    compiled = ov.Core().compile_model(probe, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    tops = np.max([[float(top) for top in compiled([f]).values()] for f in some], axis=0)
    for node, top in zip(maps, tops, strict=True):
        targets = list(node.output(0).get_target_inputs())
        step = ops.constant(np.float32(top / 255))
        levels = ops.round(ops.divide(node.output(0), step), "half_to_even")
        for target in targets:
            target.replace_source_output(ops.multiply(levels, step).output(0))
    return network


def _replace(output: Any, node: Any) -> None:
    for target in list(output.get_target_inputs()):
        target.replace_source_output(node.output(0))


if __name__ == "__main__":
    main()
