"""Headers of Photron recordings: ``.cihx``, XML behind some binary bytes, and ``.cih``, text.

The header lies beside the frames, ``<name>.mraw``. Written from real files of both kinds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

_MOST_BYTES = 4 * 2**20  # real ones have 10 to 20 kB
_LONGEST_VALUE = 80

# What is read: where a .cihx keeps it, what a .cih calls it.
_PLACES = {
    "file format": ("imageFileInfo/fileFormat", "File Format"),
    "width": ("imageDataInfo/resolution/width", "Image Width"),
    "height": ("imageDataInfo/resolution/height", "Image Height"),
    "frames": ("frameInfo/totalFrame", "Total Frame"),
    "colour type": ("imageDataInfo/colorInfo/type", "Color Type"),
    "colour bit": ("imageDataInfo/colorInfo/bit", "Color Bit"),
    "effective bit depth": ("imageDataInfo/effectiveBit/depth", "EffectiveBit Depth"),
    "effective bit side": ("imageDataInfo/effectiveBit/side", "EffectiveBit Side"),
    "record rate": ("recordInfo/recordRate", "Record Rate(fps)"),
    "save step": ("frameInfo/skipFrame", "Save Step"),
    "start frame": ("frameInfo/startFrame", "Start Frame"),
    "shutter ns": ("recordInfo/shutterSpeedNsec", "Shutter Type2(nsec)"),
    "camera": ("deviceInfo/deviceName", "Camera Type"),
}
_IN_TEXT = {of_text.lower(): name for name, (_, of_text) in _PLACES.items()}
_DEPTHS = (8, 12, 16)
_SIDES = {"lower": False, "higher": True, "upper": True}


@dataclass(frozen=True, slots=True)
class PhotronHeader:
    """What a Photron header says of its frames.

    Attributes
    ----------
    shape : (frames, rows, columns).
    bits : of a pixel in the file: 8, 12 (two pixels in three bytes) or 16.
    shift : by how many bits the counts are moved up in a pixel.
    frame_rate_hz : between the frames that were saved; None if not stated.
    notes : remarks on the recording.
    """

    shape: tuple[int, int, int]
    bits: int
    shift: int
    frame_rate_hz: float | None
    notes: tuple[str, ...]

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame in the file."""
        return self.shape[1] * self.shape[2] * self.bits // 8


def read_photron_header(path: Path) -> PhotronHeader:
    """Read a ``.cihx`` or ``.cih`` file.

    Raises
    ------
    ValueError
        If it is none, lacks what is needed, or its frames are not monochrome ``.mraw`` frames of
        8, 12 or 16 bit.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path}: is larger than {_MOST_BYTES:,} bytes: no Photron header.")
    content = path.read_bytes()
    is_xml = path.suffix.lower() == ".cihx"
    said = _Said(path, _from_xml(path, content) if is_xml else _from_text(content))
    if said.text("file format").lower() != "mraw":
        raise ValueError(
            f"{path}: its frames are {said.text('file format')} files, not mraw: open those."
        )
    camera = said.fields.get("camera", "")
    doubt = _colour(said, camera)
    shape = tuple(said.whole(name, 1) for name in ("frames", "height", "width"))
    bits, shift = _bits(said, shape[1] * shape[2])
    rate, step = said.number("record rate"), said.whole("save step", 0, default=1) or 1
    return PhotronHeader(
        shape=shape,  # type: ignore[arg-type]
        bits=bits,
        shift=shift,
        frame_rate_hz=float(f"{rate / step:.9g}") if rate else None,
        notes=(*_recording(said, camera), *_saved_step(rate, step), *doubt),
    )


class _Said:
    """The fields of a header, asked for one by one; what is wrong is told with the file's name."""

    def __init__(self, path: Path, fields: dict[str, str]) -> None:
        self.path, self.fields = path, fields

    def text(self, name: str) -> str:
        if not self.fields.get(name):
            raise ValueError(f"{self.path}: no Photron header: it does not state the {name}.")
        return self.fields[name]

    def whole(self, name: str, low: int, *, default: int | None = None) -> int:
        if default is not None and not self.fields.get(name):
            return default
        text = self.text(name)
        value = int(text) if re.fullmatch(r"[0-9]{1,10}", text) else None
        if value is None or value < low:
            raise ValueError(
                f"{self.path}: states the {name} {text!r}, expected a whole number of at least "
                f"{low}."
            )
        return value

    def number(self, name: str) -> float | None:
        """A positive number, None where there is none."""
        try:
            value = float(self.fields.get(name, ""))
        except ValueError:
            return None
        return value if 0 < value < float("inf") else None


def _from_xml(path: Path, content: bytes) -> dict[str, str]:
    begin = re.search(rb"<cih[\s>]", content)
    end = content.rfind(b"</cih>")
    if begin is None or end < begin.start():
        raise ValueError(f"{path}: no Photron header: there is no <cih> ... </cih> in it.")
    # Entities can swell to gigabytes or name other files; cameras write none.
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        raise ValueError(f"{path}: declares XML entities, which no camera does: it is not read.")
    try:
        root = ElementTree.fromstring(_decoded(content[begin.start() : end + len(b"</cih>")]))
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"{path}: Photron header is damaged ({error}).") from error
    found = {name: root.findtext(place) for name, (place, _) in _PLACES.items()}
    return {name: _tidy(text) for name, text in found.items() if text is not None}


def _from_text(content: bytes) -> dict[str, str]:
    """``Key : Value`` lines; later blocks tell of the programs that saved it."""
    fields: dict[str, str] = {}
    for line in _decoded(content).splitlines():
        if line.strip() == "END":
            break
        key, _, value = line.partition(":")
        name = _IN_TEXT.get(key.strip().lower())
        if name is not None:
            fields.setdefault(name, _tidy(value))
    return fields


def _tidy(text: str) -> str:
    """A value as it may be shown: no control characters, not endless."""
    return "".join(c for c in text if c.isprintable()).strip()[:_LONGEST_VALUE]


def _decoded(content: bytes) -> str:
    """Text in whatever the recording computer wrote; names and numbers are ASCII in all of them."""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _colour(said: _Said, camera: str) -> tuple[str, ...]:
    """A remark where it is not certain that pixels are grey; ValueError where they are not."""
    kind = said.text("colour type")
    # "Raw" are grey pixels of a monochrome camera ("1100K-M"), a mosaic of a colour one ("-C").
    model = re.search(r"\d+K-([MC])", camera)
    if kind.lower() not in ("mono", "raw") or (kind.lower() == "raw" and model and model[1] == "C"):
        raise ValueError(
            f"{said.path}: pixels are {kind} of {camera or 'a colour camera'}, expected grey. "
            "Save the recording as monochrome in Photron's viewer."
        )
    if kind.lower() == "raw" and not model:
        return ("the header calls the pixels raw: taken as grey, as of a monochrome camera",)
    return ()


def _bits(said: _Said, n_pixels: int) -> tuple[int, int]:
    """Bits of a pixel in the file, and by how many the counts are moved up."""
    bits, depth = said.whole("colour bit", 1), said.whole("effective bit depth", 1)
    side = said.text("effective bit side").lower()
    if bits not in _DEPTHS or depth > bits or side not in _SIDES:
        raise ValueError(
            f"{said.path}: pixels have {bits} bit of which the {side} {depth} count; "
            "read are 8, 12 and 16 bit, of which the lower or higher may count."
        )
    if bits == 12 and n_pixels % 2:
        raise ValueError(f"{said.path}: an odd number of 12 bit pixels a frame cannot be packed.")
    return bits, bits - depth if _SIDES[side] else 0


def _recording(said: _Said, camera: str) -> tuple[str, ...]:
    shutter_ns = said.number("shutter ns")
    first = said.fields.get("start frame")
    parts = [
        camera,
        f"shutter {shutter_ns / 1000:g} us" if shutter_ns else "",
        f"first frame is number {first} of the recording" if first else "",
    ]
    text = ", ".join(part for part in parts if part)
    return (text,) if text else ()


def _saved_step(rate: float | None, step: int) -> tuple[str, ...]:
    if step == 1:
        return ()
    recorded = f" of {rate:g} a second" if rate else ""
    return (f"saved was one frame in {step}{recorded}",)
