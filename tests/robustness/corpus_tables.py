"""Tables people write: signals, tables of frames, campaigns, in every encoding and dialect."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

Spec = tuple[str, str, str]


def signal_rows(n: int = 64) -> list[list[str]]:
    """Time and power, both with a header."""
    times = np.arange(n) * 1e-4
    values = 50 + 5 * np.sin(2 * np.pi * 1000 * times)
    rows = ([f"{t:.6f}", f"{v:.4f}"] for t, v in zip(times, values, strict=True))
    return [["time_s", "power_w"], *rows]


def text_of(rows: list[list[str]], separator: str = ",") -> str:
    """The rows as CSV."""
    file = io.StringIO()
    csv.writer(file, delimiter=separator, lineterminator="\n").writerows(rows)
    return file.getvalue()


def signals(folder: Path) -> Iterator[Spec]:
    """Signals for ``spectrum``: dialects work, nonsense is refused with its line."""
    rows = signal_rows()
    text, comma = text_of(rows), [[c.replace(".", ",") for c in row] for row in rows]
    works = {
        "plain": text.encode(),
        "mark": b"\xef\xbb\xbf" + text.encode(),
        "utf16": text.encode("utf-16"),
        "semicolons": text_of(comma, ";").encode(),
        "tabs": text_of(rows, "\t").encode(),
        "crlf": text.replace("\n", "\r\n").encode(),
        "latin1": text.replace("power_w", "Leistung für µm [W]").encode("latin-1"),
        "comments": ("# recorded by hand\n" + text).encode(),
        "blank_lines": text.replace("\n", "\n\n").encode(),
        "no_header": text_of(rows[1:]).encode(),
    }
    for name, raw in works.items():
        (folder / f"{name}.csv").write_bytes(raw)
        yield f"{name}.csv", "works", f"signal, {name}"
    deep = [*rows[:20], ["0.0019", '=HYPERLINK("http://x")'], *rows[22:]]
    refused = {
        "empty": b"",
        "header_only": b"time_s,power_w\n",
        "one_row": text_of(rows[:2]).encode(),
        "one_column": text_of([row[:1] for row in rows]).encode(),
        "two_times": text_of([[*row, row[0]] for row in rows]).replace(
            "power_w,time_s", "power_w,time_ms").encode(),
        "same_name": text_of([[row[0], row[1], row[1]] for row in rows]).encode(),
        "words": text_of([*rows[:9], ["0.0009", "high"], *rows[11:]]).encode(),
        "formula": text_of(deep).encode(),
        "backwards": text_of([rows[0], *rows[:0:-1]]).encode(),
        "same_time": text_of([rows[0], *[["0.1", row[1]] for row in rows[1:]]]).encode(),
        "no_time": text.replace("time_s", "a").encode(),
        "unit": text.replace("time_s", "time [fortnights]").encode(),
        "nan_times": text_of([rows[0], *[["nan", row[1]] for row in rows[1:]]]).encode(),
        "all_empty": text_of([rows[0], *[[row[0], ""] for row in rows[1:]]]).encode(),
        "binary": bytes(range(256)) * 8,
        "quote": b'time_s,power_w\n0,"1\n' + b"1,2\n" * 5000,
        "huge_cell": b"time_s,power_w\n0,1\n1," + b"9" * 300_000 + b"\n",
        "huge_whole_number": b"time_s,power_w\n0,1\n1," + b"9" * 5000 + b"\n2,x\n",
        "huge_number": b"time_s,power_w\n0,1e400\n1,-1e400\n",
        "ragged": b"time_s,power_w\n0,1\n1,2,3,4,5\n2\n",
        "infinite_span": b"time_s,power_w\n0,1\n1e-300,2\n1e300,3\n",
        "uneven": b"time_s,power_w\n" + b"".join(b"%d,%d\n" % (i**7, i % 5) for i in range(60)),
        "half_utf16": text.encode("utf-16")[:-1],
    }  # fmt: skip
    for name, raw in refused.items():
        (folder / f"{name}.csv").write_bytes(raw)
        yield f"{name}.csv", "either" if name in _UNDECIDED else "refused", f"signal, {name}"
    (folder / "zero_bytes.csv").write_bytes(text.encode().replace(b"50.0000", b"5\x000.000"))
    yield "zero_bytes.csv", "refused", "NUL bytes in the text"
    late = text_of(signal_rows(6000)).encode()
    (folder / "late_zero_byte.csv").write_bytes(late[:-40] + b"\0" + late[-40:])
    yield "late_zero_byte.csv", "refused", "a NUL byte far from the head"
    (folder / "a_folder.csv").mkdir()
    yield "a_folder.csv", "refused", "a folder named like a table"
    yield "nowhere.csv", "refused", "there is no such file"


# Fit for some uses only: beside a table of frames a signal need not be even.
_UNDECIDED = ("ragged", "half_utf16", "same_name", "two_times", "quote", "infinite_span", "uneven")
FRAME_COLUMNS = ("frame", "time_s", "keyhole_area_px", "keyhole_area_um2", "keyhole_depth_px",
                 "keyhole_depth_um", "pore_count", "pore_area_px", "pore_area_um2",
                 "pore_max_equivalent_diameter_um")  # fmt: skip


def frame_tables(folder: Path) -> Iterator[Spec]:
    """``_frames.csv`` as other programs leave it, fed to ``spectrum``."""
    depth = 50 + 5 * np.sin(np.arange(64) * 0.6)
    rows = [list(FRAME_COLUMNS)] + [
        [str(t), f"{t * 1e-4:.6f}", "100", "400", f"{d:.3f}", f"{2 * d:.3f}", "0", "0", "0", ""]
        for t, d in enumerate(depth)
    ]
    changed = {
        "plain_frames": (rows, "works"),
        "no_frame_column": ([row[1:] for row in rows], "refused"),
        "no_keyhole": ([rows[0]] + [[*row[:2], "0", "0", "", "", *row[6:]] for row in rows[1:]],
                       "refused"),
        "words_frames": ([*rows[:5], ["five", *rows[5][1:]], *rows[6:]], "refused"),
        "frames_twice": ([*rows[:5], rows[4], *rows[5:]], "refused"),
        "frames_missing": ([*rows[:20], *rows[40:]], "either"),
        "huge_frame": ([*rows[:5], [str(10**18), *rows[5][1:]]], "refused"),
        "negative_area": ([rows[0]] + [[*row[:2], "-5", *row[3:]] for row in rows[1:]], "either"),
    }  # fmt: skip
    for name, (table, outcome) in changed.items():
        (folder / f"{name}.csv").write_text(text_of(table))
        yield f"{name}.csv", outcome, f"table of frames, {name}"


def summary(folder: Path, name: str, pores: int) -> Path:
    """A summary as ``amseg quantify`` writes it, with what ``correlate`` reads."""
    record = {
        "n_frames": 40, "n_frames_with_keyhole": 40, "pixel_size_um": 2.0, "frame_rate_hz": 1e4,
        **{f"keyhole_{what}": {"mean": 50.0 + pores, "delta_max": 0.3, "delta_avg": 0.1}
           for what in ("area_px", "area_um2", "depth_px", "depth_um")},
        "pore_count_total": pores, "pore_fraction": 0.01, "scan_speed_m_s": 0.5,
    }  # fmt: skip
    path = folder / f"{name}_summary.json"
    path.write_text(json.dumps(record))
    return path


def campaigns(folder: Path) -> Iterator[Spec]:
    """Tables of experiments for ``correlate``; the summaries lie beside them."""
    for i in range(6):
        summary(folder, f"run{i}", i % 2 * 3)
    names = [f"run{i}" for i in range(6)]
    rows = [["experiment", "summary", "laser_power_w"]]
    rows += [[n, f"{n}_summary.json", f"{200 + 10.5 * i}"] for i, n in enumerate(names)]
    yield from _campaign_dialects(folder, rows)
    yield from _campaign_contents(folder, rows)
    bad = {
        "not_json": "{", "list": "[1, 2]", "deep": "[" * 100_000, "empty": "", "null": "null",
        "text": '"summary"', "words": '{"keyhole_area_px": "large", "pore_count_total": 1}',
        "nan": '{"keyhole_area_px": {"mean": NaN, "delta_max": NaN, "delta_avg": NaN}, '
               '"pore_count_total": 1}',
        "numbers": '{"keyhole_area_px": 7, "keyhole_depth_px": 7, "pore_count_total": 1}',
        "units": '{"keyhole_area_px": {}, "pore_count_total": 1, "pixel_size_um": "two"}',
        "digits": '{"keyhole_area_px": {"mean": ' + "9" * 6000 + '}, "pore_count_total": 1}',
    }  # fmt: skip
    for name, text in bad.items():
        (folder / f"bad_{name}_summary.json").write_text(text)
        table = [*rows, ["bad", f"bad_{name}_summary.json", "100"]]
        (folder / f"summary_{name}.csv").write_text(text_of(table))
        outcome = "either" if name in ("nan", "numbers", "words") else "refused"
        yield f"summary_{name}.csv", outcome, f"a summary that is {name}"
    for i, text in enumerate(("[]", '{"experiment": 5}', '{"experiment": {"pixel_size_um": []}}',
                              "[" * 100_000, '{"source": 5, "labels_made_by": [1]}')):  # fmt: skip
        where = summary(folder, f"record{i}", 1)
        (folder / f"record{i}_run.json").write_text(text)
        (folder / f"run_record_{i}.csv").write_text(text_of([*rows, ["more", where.name, "100"]]))
        yield f"run_record_{i}.csv", "either", f"a run record of another form, {i}"


def _campaign_dialects(folder: Path, rows: list[list[str]]) -> Iterator[Spec]:
    text, comma = text_of(rows), [[c.replace(".5", ",5") for c in row] for row in rows]
    for name, raw, outcome in (
        ("plain", text.encode(), "works"),
        ("mark", b"\xef\xbb\xbf" + text.encode(), "works"),
        ("semicolons", text_of(rows, ";").encode(), "works"),
        ("tabs", text_of(rows, "\t").encode(), "works"),
        ("crlf", text.replace("\n", "\r\n").encode(), "works"),
        ("utf16", text.encode("utf-16"), "either"),
        ("latin1", text.replace("run1,", "Köln,").encode("latin-1"), "either"),
        ("decimal_commas", text_of(comma, ";").encode(), "either"),
        ("zero_byte", text.encode().replace(b"210", b"2\x001"), "refused"),
        ("binary", bytes(range(256)) * 4, "refused"),
        ("empty", b"", "refused"),
        ("header_only", text.encode().splitlines()[0], "refused"),
        ("blank", b"\n\n\n", "refused"),
    ):
        (folder / f"{name}.csv").write_bytes(raw)
        yield f"{name}.csv", outcome, f"campaign, {name}"


def _campaign_contents(folder: Path, rows: list[list[str]]) -> Iterator[Spec]:
    first = rows[1]
    contents = {
        "no_summary_column": [[row[0], row[2]] for row in rows],
        "column_twice": [[*row, row[2]] for row in rows],
        "row_twice": [*rows, first],
        "cells_missing": [*rows, ["run9"]],
        "cells_too_many": [*rows, [*first, "1", "2"]],
        "no_name": [*rows, ["", *first[1:]]],
        "gone": [*rows, ["run9", "run9_summary.json", "1"]],
        "power_in_words": [*rows, ["run9", first[1], "high"]],
        "power_negative": [*rows, ["run9", first[1], "-5"]],
        "power_nan": [*rows, ["run9", first[1], "nan"]],
        "not_a_summary": [*rows, ["run9", "plain.csv", "1"]],
        "huge_cell": [*rows, ["run9", "x" * 200_000, "1"]],
        "long_path": [*rows, ["run9", "x" * 5000, "1"]],
        "zero_in_path": [*rows, ["run9", "a\0b", "1"]],
        "one_row": rows[:2],
    }
    for name, table in contents.items():
        (folder / f"{name}.csv").write_text(text_of(table))
        outcome = "either" if name in ("one_row",) else "refused"
        yield f"{name}.csv", outcome, f"campaign, {name}"
    formula = [*rows, ["=cmd|'/c calc'!A1", first[1], "100"]]
    (folder / "formula.csv").write_text(text_of(formula))
    yield "formula.csv", "either", "a name a spreadsheet would run"


def batch_tables(folder: Path) -> Iterator[Spec]:
    """Tables for ``batch --dry-run``; the stack they name is sound."""
    head = ["experiment", "stack", "pixel_size_um", "crop"]
    good = ["run1", "../stacks/sound_pages.tif", "2", ""]
    changed = {
        "sound": ([], "works"),
        "gone": ([["run2", "nowhere.tif", "2", ""]], "either"),
        "climbs": ([["../../x", good[1], "2", ""]], "refused"),
        "absolute": ([["/tmp/x", good[1], "2", ""]], "refused"),
        "dots": ([["..", good[1], "2", ""]], "refused"),
        "reserved": ([["campaign.csv", good[1], "2", ""]], "refused"),
        "long": ([["x" * 300, good[1], "2", ""]], "refused"),
        "same_but_case": ([["RUN1", good[1], "2", ""]], "refused"),
        "crop": ([["run2", good[1], "2", "9:1,0:5"]], "either"),
        "crop_words": ([["run2", good[1], "2", "all"]], "refused"),
        "pixel_size": ([["run2", good[1], "0", ""]], "refused"),
        "pixel_size_huge": ([["run2", good[1], "1e300", ""]], "refused"),
        "damaged": ([["run2", "../stacks/zeros.tif", "2", ""]], "either"),
        "zero": ([["run2", "a\0b.tif", "2", ""]], "either"),
        "surrogate": ([["run2\ud800", good[1], "2", ""]], "refused"),
    }
    for name, (more, outcome) in changed.items():
        text = text_of([head, good, *more])
        (folder / f"{name}.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
        yield f"{name}.csv", outcome, f"batch table, {name}"
    (folder / "utf16.csv").write_bytes(text_of([head, good]).encode("utf-16"))
    yield "utf16.csv", "either", "batch table in UTF-16"
