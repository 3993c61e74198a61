"""Files in and out: stacks, label images, tables and records. Nothing else touches the disk."""

from napari_amseg.io.atomic import OutputFiles, flush, write_json
from napari_amseg.io.read import can_read, read_stack, recorded_fields
from napari_amseg.io.tables import TableWriter, write_table
from napari_amseg.io.tiff_writer import TiffStackWriter

__all__ = [
    "OutputFiles",
    "TableWriter",
    "TiffStackWriter",
    "can_read",
    "flush",
    "read_stack",
    "recorded_fields",
    "write_json",
    "write_table",
]
