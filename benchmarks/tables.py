"""Put the numbers of benchmark records into the tables of a page, so that nobody types them.

    python benchmarks/tables.py FOLDER [--page docs/explanation/performance.md]

FOLDER holds what the benchmarks left (``inference.json`` and so on). A table of the page stands
between ``<!-- table: NAME -->`` and ``<!-- end -->``; it is replaced if its record is in FOLDER and
left as it is otherwise. NAME is a key of :data:`TABLES`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]
_SLOT = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--page", type=Path, default=Path("docs/explanation/performance.md"))
    given = parser.parse_args()
    page, filled = filled_page(given.page.read_text(encoding="utf-8"), given.folder)
    given.page.write_text(page, encoding="utf-8")
    print(
        f"{given.page}: filled {', '.join(filled) or 'nothing: no records in ' + str(given.folder)}"
    )


def filled_page(page: str, folder: Path) -> tuple[str, list[str]]:
    """The page with its tables replaced, and the names of those."""
    filled = []

    def fill(slot: re.Match[str]) -> str:
        before, name, after = slot.groups()
        if name not in TABLES:
            raise SystemExit(f"table {name!r}: known are {', '.join(TABLES)}.")
        file, make = TABLES[name]
        if not (folder / file).exists():
            return slot.group(0)
        filled.append(name)
        record = json.loads((folder / file).read_text(encoding="utf-8"))
        return f"{before}{make(record)}\n{after}"

    return _SLOT.sub(fill, page), filled


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; numbers with thousands set apart."""
    lines = [head, ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _percent(share: float | None, digits: int = 0) -> str:
    return "" if share is None else f"{100 * share:.{digits}f} %"


def _on(record: Record) -> str:
    """What a record was measured on, as the line under its table."""
    machine = record["machine"]
    busy = record.get("load_before")
    told = f"; load before the run {busy}" if busy is not None else ""
    return f"\n\n*{machine['cpu']}, {machine['cores']} cores, {machine['system']}{told}.*"


def inference(record: Record) -> str:
    rows = [("**peer**", record["peer"]["what"], record["peer"]["best"], 1.0, "", "")]
    rows += [
        (
            row["network"], row["engine"], row["frames_per_second"]["best"],
            row["times_peer"], row["ms_one_frame"], _percent(row["agreement"], 2),
        )
        for row in record["rows"]
    ]  # fmt: skip
    head = ("network", "engine", "frames a second", "times the peer", "one frame, ms", "agreement")
    return table(head, rows) + _on(record)


def segmenting(record: Record) -> str:
    rows = [
        (
            row["network"], row["frames"], row["engine"]["device"],
            *(row["frames_per_second"][key] for key in ("peer", "inference", "running", "whole")),
            row["times_peer"]["running"], row["times_peer"]["whole"],
            _percent(row["overhead_over_inference"]),
        )
        for row in record["rows"]
    ]  # fmt: skip
    head = (
        "network", "frames", "engine", "peer, fps", "inference alone, fps", "running, fps",
        "whole, fps", "running / peer", "whole / peer", "over inference",
    )  # fmt: skip
    return table(head, rows) + _on(record)


def stages(record: Record) -> str:
    names = ("read", "preprocess", "inference", "measure", "write")
    rows = [
        (
            row["network"],
            *(1e3 * row["seconds"][name] / row["frames"] for name in names),
            1e3 * sum(row["seconds"][name] for name in names) / row["frames"],
            1e3 * row["seconds"]["running"] / row["frames"],
        )
        for row in record["rows"]
    ]
    return table(("network, ms a frame", *names, "sum", "`amseg segment`"), rows) + _on(record)


def memory(record: Record) -> str:
    rows = [
        (f"`amseg {run['command']}`", run["frames"], run["peak_mb"], run["ms_a_frame"])
        for run in record["runs"]
    ]
    told = [
        f"\n\n`{name}`: {growth['peak_mb']:+.0f} MB from the shortest to the longest, time a frame "
        f"times {growth['time_a_frame_ratio']}; each further frame takes "
        f"{', then '.join(map(_text, growth['slope_ms_a_frame']))} ms."
        for name, growth in record["growth"].items()
    ]
    head = ("command", "frames", "peak memory, MB", "ms a frame")
    return table(head, rows) + "".join(told) + _on(record)


def sizes(record: Record) -> str:
    rows = []
    for network in record["networks"]:
        for group in network["by_size"]:
            rows.append(
                (
                    network["network"], group["size"], group["gflop"],
                    _percent(group["gflop"] / network["gflop"]), group["map_mb"],
                    _percent(group["map_mb"] / network["map_mb"]), group["weight_mb"],
                )
            )  # fmt: skip
        totals = (network["gflop"], "", network["map_mb"], "", network["weight_mb"])
        rows.append((f"**{network['network']}**", "all", *totals))
    head = ("network", "size of map", "GFLOP", "share", "maps, MB", "share", "kernels, MB")
    return table(head, rows)


def limits(record: Record) -> str:
    chips = {chip["name"]: chip for chip in record["chips"]}
    names = [network["network"] for network in record["networks"]]
    rows = []
    for i, chip in enumerate(chips.values()):
        found = [network["limits"][i] for network in record["networks"]]
        cells = [c for f in found for c in (f["ms_batch_1"], f["frames_per_second_batch_64"])]
        rows.append((chip["name"], chip["tflop_s"], chip["gbyte_s"], *cells))
    head = ["GPU", "TFLOP/s", "GB/s"]
    for name in names:
        head += [f"{name}, alone, ms", f"{name}, fps"]
    return table(head, rows)


def gpu(record: Record) -> str:
    rows = [
        (
            row["network"], row["device"], row["alone_ms"], row["best_batch"],
            row["frames_per_second"][str(row["best_batch"])], row["resident_frames_per_second"],
            row["measured_frames_per_second"], row["tflop_s"], row["limit_frames_per_second"],
            _percent(row["share_of_limit"]),
        )
        for row in record["rows"]
    ]  # fmt: skip
    head = (
        "network", "device", "alone, ms", "best batch", "at best, fps", "resident, fps",
        "measured, fps", "TFLOP/s", "limit, fps", "share of it",
    )  # fmt: skip
    named = f"\n\n*{record['gpu'] or 'no GPU'}*" if "gpu" in record else ""
    return table(head, rows) + named + _on(record)


def measuring(record: Record) -> str:
    rows = []
    for name, stack in record["stacks"].items():
        speed = stack["frames_per_second"]
        rows.append(
            (name, stack["frame"], stack["pores_a_frame"], speed["measure"],
             speed["tables_and_tracks"], speed["regionprops_table"], stack["faster_than_peer"])
        )  # fmt: skip
    head = ("labels", "frame", "pores", "measuring, fps", "tables and tracks, fps",
            "`regionprops_table` (peer), fps", "times peer")  # fmt: skip
    return table(head, rows) + _on(record)


def startup(record: Record) -> str:
    rows = [(name, start["least_s"]) for name, start in record["starts"].items()]
    return table(("start", "seconds"), rows) + _on(record)


def campaign(record: Record) -> str:
    ways = {
        "segment_one_by_one": "`amseg segment`, one after the other",
        "workers_1": "`amseg batch --workers 1`",
        "workers_2": "`amseg batch --workers 2`",
    }
    rows = [
        (ways[way], seconds, record["frames_per_second"][way])
        for way, seconds in record["seconds"].items()
    ]
    what = f"\n\n{record['stacks']} stacks, {record['frames']} frames in all, start-up included."
    return table(("way", "seconds", "frames a second"), rows) + what + _on(record)


def preprocessing(record: Record) -> str:
    ways = {
        "numpy": "NumPy, whole stack in memory (peer)",
        "streamed": "chain, streamed",
        "amseg_preprocess": "`amseg preprocess`, start to end",
        "amseg_preprocess_compressed": "`amseg preprocess --compress`",
    }
    rows = [
        (words, record[way]["frames_per_second"], record[way]["peak_mb"])
        for way, words in ways.items()
    ]
    what = f"\n\n{record['frames']} frames of {record['frame']}, cropped to {record['crop']}."
    return table(("way", "frames a second", "peak memory, MB"), rows) + what + _on(record)


def event_loop(record: Record) -> str:
    phases = {"idle": "nothing runs", "segment": "segmenting", "cancel": "from *Cancel* to the end"}
    rows = [
        (words, record[phase]["longest_gap_ms"], record[phase]["gaps_over_100_ms"])
        for phase, words in phases.items()
    ]
    what = (
        f"\n\n{record['frames']}, model `{record['model']}`. From the click to the first mask "
        f"{record['click_to_first_mask_s']} s, from *Cancel* to the end "
        f"{record['cancel']['seconds']} s."
    )
    return table(("", "longest gap, ms", "gaps over 100 ms"), rows) + what + _on(record)


TABLES: dict[str, tuple[str, Callable[[Record], str]]] = {
    "inference": ("inference.json", inference),
    "segmenting": ("segmenting.json", segmenting),
    "stages": ("segmenting.json", stages),
    "memory": ("memory.json", memory),
    "sizes": ("roofline.json", sizes),
    "limits": ("roofline.json", limits),
    "gpu": ("gpu.json", gpu),
    "campaign": ("campaign.json", campaign),
    "measuring": ("measuring.json", measuring),
    "preprocessing": ("preprocessing.json", preprocessing),
    "startup": ("startup.json", startup),
    "event_loop": ("event_loop.json", event_loop),
}


if __name__ == "__main__":
    main()
