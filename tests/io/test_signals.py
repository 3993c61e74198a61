"""Signals as oscilloscopes, spreadsheets and loggers write them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_amseg.io.signals import read_signal, signal_columns, split_unit


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "signal.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("time,photodiode\n0,1.5\n0.1,2.5\n0.2,-3\n", "utf-8"),
        ("time;photodiode\n0;1,5\n0,1;2,5\n0,2;-3\n", "utf-8"),
        ("t\tphotodiode\r\n0\t1.5\r\n0.1\t2.5\r\n0.2\t-3\r\n", "utf-8"),
        ("time (ms),photodiode\n0,1.5\n100,2.5\n200,-3\n", "utf-8"),
        ("Time [us];photodiode\n0;1.5\n1e5;2.5\n2e5;-3\n", "utf-8-sig"),
        ("Zeit (µs);photodiode;\n0;1,5;\n100000;2,5;\n200000;-3;\n", "cp1252"),
        ("time_ms;photodiode\n0;1.5\n100;2.5\n200;-3\n", "utf-16"),
        ("# scope 7\n\n#\ntime/s,photodiode\n0,1.5\n# pause\n0.1,2.5\n\n0.2,-3", "utf-8"),
        ('"time","photodiode"\n0,1.5\n0.1,2.5\n0.2,-3\n', "utf-8"),
        (" time , photodiode \n 0 , 1.5 \n 0.1 , 2.5 \n 0.2 , -3 \n", "utf-8"),
    ],
)
def test_many_hands_write_the_same_signal(write, text, encoding):
    found = read_signal(write(text, encoding))
    assert found.name == "photodiode"
    np.testing.assert_allclose(found.time_s, [0, 0.1, 0.2])
    np.testing.assert_array_equal(found.values, [1.5, 2.5, -3])


def test_a_file_without_header_is_time_and_value(write):
    found = read_signal(write("0;1,5\n0,5;2,5\n"), time_unit="ms", offset_s=-1)
    np.testing.assert_allclose(found.time_s, [-1, -1 + 5e-4])
    np.testing.assert_array_equal(found.values, [1.5, 2.5])


def test_columns_are_chosen_by_name_with_or_without_unit(write):
    path = write("n,Clock (ms),Power (W),Emission (mV)\n1,0,200,7\n2,5,210,\n3,10,,9\n")
    assert signal_columns(path) == ("n", "Clock (ms)", "Power (W)", "Emission (mV)")
    found = read_signal(path, time_column="clock", value_column="Emission (mV)")
    assert (found.name, found.unit) == ("Emission", "mV")
    np.testing.assert_allclose(found.time_s, [0, 0.005, 0.01])
    np.testing.assert_array_equal(found.values, [7, np.nan, 9])
    assert read_signal(path, time_column="Clock (ms)", value_column="power").unit == "W"
    # a unit that is given goes before that of the header
    late = read_signal(path, time_column="clock", value_column="power", time_unit="s")
    assert late.time_s[-1] == 10


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("keyhole_depth_um", ("keyhole depth", "µm")),
        ("keyhole_area_um2", ("keyhole area", "µm²")),
        ("pore_count", ("pore count", "")),
        ("Laser power [kW]", ("Laser power", "kW")),
        ("time/µs", ("time", "µs")),
        ("(V)", ("(V)", "")),
        ("t", ("t", "")),
    ],
)
def test_headers_hold_name_and_unit(header, expected):
    assert split_unit(header) == expected


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        ("", {}, "is empty"),
        ("# only words\n", {}, "is empty"),
        ("time\n0\n1\n", {}, "line 1: 'time' has a single column"),
        ("time,a\n0,1\n", {}, "1 rows of numbers; a signal needs at least 2"),
        ("time,a\n", {}, "0 rows of numbers"),
        ("time,a,b\n0,1,2\n1,2,3\n", {}, "say which one holds the values, of 'time', 'a', 'b'"),
        ("x,a\n0,1\n1,2\n", {}, "no columns are named like a time"),
        ("time,t,a\n0,0,1\n1,1,2\n", {}, "2 columns are named like a time"),
        ("time,a\n0,1\n1,2\n", {"value_column": "b"}, "no column 'b'; it has 'time', 'a'"),
        ("# c\ntime,a\n0,1\n\n1,off\n", {}, "line 5: a is 'off', not a number"),
        ("time,a\n0,1\n# c\n,2\n", {}, "line 4: the time is empty"),
        ("time,a\n0,1\n2,1\n# c\n1,2\n", {}, "line 5: time 1 follows 2; times must rise"),
        ("time,a\n0,1\n0,2\n", {}, "line 3: time 0 follows 0"),
        ("time (h),a\n0,1\n1,2\n", {}, "time in 'h' is not understood; give one of s, ms"),
        ("time,a\n0,1\n1,2\n", {"time_unit": "days"}, "time in 'days'"),
        ("time,a\n0,1\n1,2\n", {"offset_s": float("nan")}, "offset_s is nan"),
        ("time,a\n0,1\n\x00,2\n", {}, "is a binary file"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(write, text, given, words):
    path = write(text)
    with pytest.raises(ValueError, match=re.escape(words)):
        read_signal(path, **given)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_signal(tmp_path / "none.csv")


@pytest.mark.parametrize(("number", "n"), [(1, 4289), (7, 4401)])
def test_real_depth_series(real_data, number, n):
    found = read_signal(real_data / "weld_depth" / f"IFSW-{number}_centered_depth.csv")
    assert (found.name, found.time_s.size) == ("depth", n)
    np.testing.assert_allclose(np.diff(found.time_s), 2e-4, rtol=1e-6)
    assert 0.5 < found.values.min() < found.values.max() < 7
