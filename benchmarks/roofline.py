"""What a processor could do at best: operations and bytes of a network, limits of known GPUs.

    python benchmarks/roofline.py [--networks amsegnet amsegnet-fast ...] [-o roofline.json]

Counts, for a frame of 256x512 and each size of feature map, the operations and the bytes that have
to be moved if every convolution is one pass over memory: it reads its input and its kernel and
writes its output once, in 16 bit; bias, normalisation and ReLU are done on the way; up-sampling and
concatenation cost nothing (the next convolution reads the smaller maps in place); pooling and sums
are passes of their own. Kernels are read once a batch. The least time of a layer is the longer of
operations / peak and bytes / bandwidth, and the limit of a network the sum over its layers.

That is a limit for work done layer by layer. Fusing layers could move less; nobody does so here.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from records import give

BYTES = 2  # of a 16 bit number
FREE = ("UpSampling2D", "Concatenate", "BatchNormalization", "ReLU", "Activation", "InputLayer")


@dataclass(frozen=True, slots=True)
class Chip:
    """A GPU by its maker's data sheet: dense 16 bit operations a second with sums in 32 bit,
    without sparsity, and bytes a second of its memory. name : as its driver says it.
    """

    name: str
    tflop_s: float
    gbyte_s: float


CHIPS = (
    Chip("H200", 989.5, 4800),
    Chip("H100 80GB HBM3", 989.5, 3350),
    Chip("H100 PCIe", 756.5, 2000),
    Chip("A100-SXM4-80GB", 312.0, 2039),
    Chip("A100 80GB PCIe", 312.0, 1935),
    Chip("A100-SXM4-40GB", 312.0, 1555),
    Chip("A100-PCIE-40GB", 312.0, 1555),
    Chip("L40S", 362.0, 864),
    Chip("RTX A6000", 154.8, 768),
    Chip("GeForce RTX 4090", 165.2, 1008),
    Chip("GeForce RTX 3090", 71.0, 936),
)


def chip_named(text: str) -> Chip | None:
    """The chip of this name (``NVIDIA H100 PCIe``), or None: a GH200 is no H200."""
    return next((chip for chip in CHIPS if chip.name == text.removeprefix("NVIDIA ")), None)


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One pass over memory, of one frame. divisor : of the frame's rows, 2 for half the size."""

    name: str
    divisor: int
    operations: int
    map_bytes: int
    weight_bytes: int


def layer_costs(model: Any, frame_shape: tuple[int, int]) -> list[LayerCost]:
    """All passes of a network, in its order."""
    from napari_amseg.models.operations import operations_by_layer

    operations = operations_by_layer(model, frame_shape)
    kept = [layer for layer in model.layers if type(layer).__name__ not in FREE]
    sources = {layer.name: _sources(layer) for layer in model.layers}
    probe = _shapes(model, frame_shape)
    costs = []
    for layer in kept:
        shape = probe[layer.name]
        read = sum(prod(probe[name][1:]) for name in sources[layer.name])
        costs.append(
            LayerCost(
                layer.name,
                frame_shape[0] // shape[1],
                operations.get(layer.name, 0),
                BYTES * (read + prod(shape[1:])),
                BYTES * sum(prod(w.shape) for w in layer.weights),
            )
        )
    return costs


def _shapes(model: Any, frame_shape: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    from napari_amseg.models.backend import keras

    inside = keras.Model(model.input, [layer.output for layer in model.layers])
    shapes = inside.compute_output_shape((1, *frame_shape, model.input_shape[-1]))
    return {layer.name: shape for layer, shape in zip(model.layers, shapes, strict=True)}


def _sources(layer: Any) -> list[str]:
    """Layers whose result a pass reads, looking through those that cost nothing."""
    if type(layer).__name__ == "InputLayer":
        return []
    found, inputs = [], layer.input if isinstance(layer.input, list) else [layer.input]
    for tensor in inputs:
        maker = tensor._keras_history.operation
        free = type(maker).__name__ in FREE and type(maker).__name__ != "InputLayer"
        found += _sources(maker) if free else [maker.name]
    return found


def least_seconds(costs: list[LayerCost], chip: Chip, batch: int) -> float:
    """Least time of a frame among `batch` that are computed together."""
    return sum(
        max(
            cost.operations / (chip.tflop_s * 1e12),
            (cost.map_bytes + cost.weight_bytes / batch) / (chip.gbyte_s * 1e9),
        )
        for cost in costs
    )


def by_size(costs: list[LayerCost]) -> list[dict[str, float]]:
    """Operations and bytes of the layers of each size of feature map."""
    groups: dict[int, list[LayerCost]] = defaultdict(list)
    for cost in costs:
        groups[cost.divisor].append(cost)
    return [
        {
            "size": f"1/{divisor}",
            "gflop": round(sum(c.operations for c in group) / 1e9, 3),
            "map_mb": round(sum(c.map_bytes for c in group) / 1e6, 2),
            "weight_mb": round(sum(c.weight_bytes for c in group) / 1e6, 2),
        }
        for divisor, group in sorted(groups.items())
    ]


def network_record(name: str, frame_shape: tuple[int, int]) -> dict[str, Any]:
    """Operations, bytes and limits of one network."""
    from napari_amseg.models import build

    costs = layer_costs(build(name, n_classes=5), frame_shape)
    return {
        "network": name,
        "gflop": round(sum(c.operations for c in costs) / 1e9, 3),
        "map_mb": round(sum(c.map_bytes for c in costs) / 1e6, 1),
        "weight_mb": round(sum(c.weight_bytes for c in costs) / 1e6, 2),
        "by_size": by_size(costs),
        "limits": [
            {
                "chip": chip.name,
                "ms_batch_1": round(1e3 * least_seconds(costs, chip, 1), 4),
                "frames_per_second_batch_64": round(1 / least_seconds(costs, chip, 64)),
            }
            for chip in CHIPS
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["amsegnet", "amsegnet-fast", "unet"])
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    record = {
        "frame": "256x512, 16 bit",
        "chips": [asdict(chip) for chip in CHIPS],
        "networks": [network_record(name, (256, 512)) for name in given.networks],
    }
    give(record, given.out)


if __name__ == "__main__":
    main()
