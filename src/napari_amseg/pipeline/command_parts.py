"""Parts of an ``amseg`` command, as words that are read back exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_amseg.io import read_stack
from napari_amseg.io.address import join_address, split_address
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.models import Bundle, bundled_models
from napari_amseg.preprocess import Chain, FlatField
from napari_amseg.settings import Settings, flag, options
from napari_amseg.types import Experiment, Stack

Words = tuple[str, ...]


def settings_words(*records: Settings) -> Words:
    """The options of settings records that differ from their defaults."""
    words: list[str] = []
    for record in records:
        for option in options(type(record)):
            value = getattr(record, option.name)
            if value == option.default:
                continue
            if option.type is bool:
                words.append(option.flag if value else f"--no-{option.flag[2:]}")
            else:
                words += [option.flag, word(value)]
    return tuple(words)


def stack_word(stack: Stack) -> str:
    """What a command is given to open a stack: a file, a folder or a pattern, in full.

    Raises
    ------
    ValueError
        If its frames are in memory only, or are files chosen among others of their folder.
    """
    address = stack.address
    if not address:
        raise ValueError(
            "these frames are only in memory, and a command reads files: save them as TIFF (File > "
            "Save Selected Layers), open that file and work on it."
        )
    if len(address) == 1:
        return absolute(address[0])
    first = Path(absolute(address[0]))
    for place in (first.parent, first.parent / f"*{first.suffix}"):
        try:
            with read_stack(place) as found:
                if list(map(absolute, found.address)) == list(map(absolute, address)):
                    return str(place)
        except (ValueError, OSError):
            continue
    raise ValueError(
        f"these {len(address)} files were chosen among others in {first.parent}, and a command "
        "takes a folder or a pattern: put them into a folder of their own and open that."
    )


def absolute(address: str | Path) -> str:
    """A path in full; of ``FILE::DATASET``, the file's."""
    file, inside = split_address(address)
    return join_address(file.expanduser().absolute(), inside)


def with_full_paths(chain: Chain) -> Chain:
    """The chain with the flats and darks named in full: it may be replayed from elsewhere."""
    return Chain(tuple(_in_full(s) if isinstance(s, FlatField) else s for s in chain.steps))


def _in_full(step: FlatField) -> FlatField:
    dark, after = (None if p is None else absolute(p) for p in (step.dark, step.flat_after))
    return replace(step, flat=absolute(step.flat), dark=dark, flat_after=after)


def model_word(bundle: Bundle) -> str:
    """A shipped model by its name, another by its folder."""
    return named_model(bundle.folder)


def named_model(name_or_folder: str | Path) -> str:
    """As :func:`model_word`, of a name or folder."""
    shipped = bundled_models()
    if str(name_or_folder) in shipped:
        return str(name_or_folder)
    name = Path(name_or_folder).name
    return name if shipped.get(name) == Path(name_or_folder) else absolute(name_or_folder)


def codes_word(scheme: LabelScheme) -> str | None:
    """``--codes``: what pixel values mean; None for the default classes.

    Raises
    ------
    ValueError
        If the command cannot tell these classes apart, or they hold nothing to measure.
    """
    meant = [(c.code, c.role) for c in scheme.classes]
    if meant == [(c.code, c.role) for c in DEFAULT_SCHEME.classes]:
        return None
    text = ",".join(f"{c.role}={int(c.code)}" for c in scheme.classes)
    read = LabelScheme.parse(text)
    if [(c.code, c.role) for c in read.classes] != meant:
        raise ValueError(f"the classes {', '.join(scheme.names)} cannot be written as --codes.")
    return text


def codes_as_drawn(scheme: LabelScheme) -> bool:
    """Whether what a command makes of `--codes` also has the names and colours of these classes.

    Raises ValueError as :func:`codes_word`.
    """
    text = codes_word(scheme)
    read = DEFAULT_SCHEME if text is None else LabelScheme.parse(text)
    return read.classes == scheme.classes


def measured(experiment: Experiment, *, speed: bool = True) -> Words:
    """Pixel size and frame rate, and the scan speed where the command takes it."""
    return given(
        pixel_size=experiment.pixel_size_um,
        frame_rate=experiment.frame_rate_hz,
        scan_speed=experiment.scan_speed_mm_s if speed else None,
    )


def out_words(place: Path) -> Words:
    """Where the results go."""
    return "-o", absolute(place)


def given(**values: Any) -> Words:
    """Parameters of a command by name; what is None or False is left out."""
    words: list[str] = []
    for name, value in values.items():
        if value is True:
            words.append(flag(name))
        elif value is not None and value is not False:
            words += [flag(name), absolute(value) if isinstance(value, Path) else word(value)]
    return tuple(words)


def word(value: Any) -> str:
    """A value such that it is read back exactly."""
    return repr(float(value)).removesuffix(".0") if isinstance(value, float) else str(value)
