"""Label images from elsewhere: values as they are in the file, each mapped or refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw

from napari_amseg.io.label_images import (
    found_values,
    onto_frames,
    open_label_images,
    read_label_images,
)
from napari_amseg.io.label_mapping import LabelMapping, suggested_mapping
from napari_amseg.labels import DEFAULT_SCHEME, Label

OURS = "0=unlabelled,1=keyhole,2=pore,3=substrate,4=background,5=powder"
COLOURS = {0: "#000000"} | {c.code: c.color for c in DEFAULT_SCHEME.classes}


def rgb(labels):
    table = np.zeros((6, 3), np.uint8)
    for code, colour in COLOURS.items():
        table[code] = list(bytes.fromhex(colour[1:]))
    return table[labels]


@pytest.fixture
def indexed(tmp_path, labels):
    """A folder of indexed PNGs whose palette is no help: entry 3 is black, all others grey."""
    folder = tmp_path / "indexed"
    folder.mkdir()
    for t in range(11):
        image = Image.fromarray(np.roll(labels, t, axis=1))
        image.putpalette([200] * 9 + [0] * 3 + [200] * 756)
        image.save(folder / f"f ({t}).png")
    return folder


def test_indices_of_a_palette_count_not_its_colours(indexed, labels):
    stack = read_label_images(indexed, OURS)
    assert stack.shape == (11, *labels.shape)
    assert stack.dtype == np.uint8
    for t in (0, 2, 10):  # f (2) before f (10)
        np.testing.assert_array_equal(stack[t], np.roll(labels, t, axis=1))


def test_a_palette_of_few_entries_is_packed_in_bits(tmp_path, labels):
    image = Image.fromarray(labels)
    image.putpalette([10 * i for i in range(3 * 6)])
    image.save(tmp_path / "a.png", bits=4)
    np.testing.assert_array_equal(read_label_images(tmp_path / "a.png", OURS)[0], labels)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_colours_by_the_legend(tmp_path, labels, suffix):
    path = tmp_path / f"colours.{suffix}"
    if suffix == "tif":
        tifffile.imwrite(path, rgb(labels), photometric="rgb")
    else:
        Image.fromarray(rgb(labels)).save(path)
    legend = {colour.upper(): c.name for c in DEFAULT_SCHEME.classes for colour in [c.color]}
    np.testing.assert_array_equal(read_label_images(path, legend)[0], labels)


def test_a_stack_of_colours(tmp_path, labels):
    path = tmp_path / "colours.tif"
    with tifffile.TiffWriter(path) as tif:
        for shift in range(3):
            tif.write(rgb(np.roll(labels, shift, axis=1)), photometric="rgb", contiguous=False)
    images = open_label_images(path)
    with images.stack:
        assert images.kind == "colour"
        found = found_values(images)
    assert found["#541352"] == 3 * (labels == Label.KEYHOLE).sum()
    assert next(iter(found)) == "#2f9aa0"  # the commonest first
    guess = suggested_mapping(found, DEFAULT_SCHEME)
    stack = read_label_images(path, guess)
    np.testing.assert_array_equal(stack[2], np.roll(labels, 2, axis=1))
    stack.close()


def test_transparent_pixels_have_no_colour(tmp_path, labels):
    image = np.dstack([rgb(labels), np.where(labels == Label.PORE, 0, 255).astype(np.uint8)])
    Image.fromarray(image).save(tmp_path / "a.png")
    found = found_values(open_label_images(tmp_path / "a.png"))
    assert found["transparent"] == (labels == Label.PORE).sum()
    assert "#d62728" not in found


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_label_stacks_of_fiji(tmp_path, labels, dtype):
    """8, 16 and 32 bit as Fiji and MorphoLibJ write them; a LUT is only colour."""
    lut = np.random.default_rng(0).integers(0, 255, (3, 256)).astype(np.uint8)
    given = np.stack([labels, labels[::-1]]).astype(dtype)
    path = tmp_path / "fiji.tif"
    if dtype == "int32":
        tifffile.imwrite(path, given, photometric="minisblack")
    else:
        tifffile.imwrite(path, given, imagej=True, metadata={"LUTs": [lut], "mode": "color"})
    with read_label_images(path, OURS) as stack:
        np.testing.assert_array_equal(stack[1], labels[::-1])


def test_a_tiff_with_a_colour_table(tmp_path, labels):
    table = np.random.default_rng(0).integers(0, 2**16, (3, 256)).astype(np.uint16)
    path = tmp_path / "palette.tif"
    tifffile.imwrite(path, labels, photometric="palette", colormap=table)
    with read_label_images(path, OURS) as stack:
        np.testing.assert_array_equal(stack[0], labels)


def test_numbered_pores_are_all_pores(tmp_path):
    numbered = np.zeros((1, 40, 40), np.uint16)
    numbered[0, ::2, ::2] = np.arange(1, 401).reshape(20, 20)
    tifffile.imwrite(tmp_path / "pores.tif", numbered, photometric="minisblack")
    for codes in ("1-=pore,0=substrate", "0=substrate,*=pore", "0=substrate,1-200=pore,201-=pore"):
        with read_label_images(tmp_path / "pores.tif", codes) as stack:
            assert (stack[0] == Label.PORE).sum() == 400
            assert (stack[0] == Label.SUBSTRATE).sum() == 1200


def test_what_is_said_of_the_value_itself_goes_first():
    mapping = LabelMapping.of("7=keyhole,1-=pore,*=unlabelled", DEFAULT_SCHEME)
    assert [mapping.code_of(v) for v in ("7", "8", "0", "x")] == [1, 2, 0, 0]
    assert LabelMapping.of({7: "Pore"}, DEFAULT_SCHEME).code_of("8") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("keyhole", "write value=class"),
        ("=keyhole", "write value=class"),
        ("", "write value=class"),
        ("pore=255", "no class '255'"),
        ("1=pore,1=keyhole", "given two classes"),
        ("1-5=pore,5-=keyhole", "overlap"),
        ("5-1=pore", "backwards"),
    ],
)
def test_a_mapping_that_cannot_be_meant(text, why):
    with pytest.raises(ValueError, match=why):
        LabelMapping.of(text, DEFAULT_SCHEME)


def test_no_value_is_dropped_silently(indexed):
    stack = read_label_images(indexed, "1=keyhole,3=substrate,4=background")
    with pytest.raises(ValueError, match=r"image 0.*number 2 \(9 pixels\).*2=unlabelled"):
        stack[0]


def test_blended_colours_are_explained(tmp_path, labels):
    big = Image.fromarray(rgb(labels)).resize((96, 64), Image.Resampling.BICUBIC)
    big.save(tmp_path / "smooth.png")
    legend = {c.color: c.name for c in DEFAULT_SCHEME.classes}
    with pytest.raises(ValueError, match="smoothing"):
        read_label_images(tmp_path / "smooth.png", legend)[0]


def test_a_guess_only_where_the_meaning_is_plain():
    guess = suggested_mapping(["0", "1", "255"], DEFAULT_SCHEME)
    assert guess == {"0": "unlabelled"}
    assert suggested_mapping(["1", "3"], DEFAULT_SCHEME) == {"1": "keyhole", "3": "substrate"}
    assert suggested_mapping(["Pore", "crack"], DEFAULT_SCHEME) == {"Pore": "pore"}


def test_grey_values_and_negative_numbers_are_no_labels(tmp_path):
    for values, why in ((np.full((4, 5), 0.5, np.float32), "fractions"),
                        (np.full((4, 5), -1, np.int16), "from 0")):  # fmt: skip
        tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
        with (
            read_label_images(tmp_path / "a.tif", OURS) as stack,
            pytest.raises(ValueError, match=why),
        ):
            stack[0]


def test_large_numbers_need_no_large_table(tmp_path, labels):
    given = labels.astype(np.uint32) + 2**31
    tifffile.imwrite(tmp_path / "a.tif", given, photometric="minisblack")
    mapping = {2**31 + c.code: c.name for c in DEFAULT_SCHEME.classes}
    with read_label_images(tmp_path / "a.tif", mapping) as stack:
        np.testing.assert_array_equal(stack[0], labels)


def test_files_that_are_not_alike_or_no_label_images(tmp_path, indexed, labels):
    with pytest.raises(FileNotFoundError, match="no such file"):
        open_label_images(tmp_path / "none.png")
    Image.fromarray(rgb(labels)).save(indexed / "f (5).png")
    with pytest.raises(ValueError, match=r"f \(5\).png: holds 32x48 colours"):
        open_label_images(indexed)
    Image.fromarray(rgb(labels)).save(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="JPEG changes"):
        open_label_images(tmp_path / "a.jpg")
    (tmp_path / "bad.png").write_bytes((indexed / "f (0).png").read_bytes()[:90])
    with pytest.raises(ValueError, match=r"bad\.png"):
        read_label_images(tmp_path / "bad.png", OURS)[0]
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(ValueError, match="not a readable image"):
        open_label_images(tmp_path / "text.png")


def test_single_images_onto_chosen_frames(indexed, labels):
    stack = read_label_images([indexed / "f (0).png", indexed / "f (1).png"], OURS)
    placed = onto_frames(stack, [4, 2], (6, *labels.shape))
    np.testing.assert_array_equal(placed[4], labels)
    np.testing.assert_array_equal(placed[2], np.roll(labels, 1, axis=1))
    assert not placed[3].any()
    for frames, shape, why in (
        ([4], (6, 32, 48), "one frame for each"),
        ([4, 6], (6, 32, 48), "frame 6 is not there"),
        ([4, 4], (6, 32, 48), "named twice"),
        ([4, 2], (6, 64, 48), "the frames are 64x48"),
    ):
        with pytest.raises(ValueError, match=why):
            onto_frames(stack, frames, shape)


def labelme(path, shapes, size=(32, 48), **more):
    record = {
        "version": "5.4.1",
        "flags": {},
        "shapes": [
            {"label": name, "points": points, "group_id": None, "shape_type": kind, "flags": {}}
            for name, kind, points in shapes
        ],
        "imagePath": "/dev/null/never opened.png",
        "imageData": "not base64",
        "imageHeight": size[0],
        "imageWidth": size[1],
        **more,
    }
    path.write_text(json.dumps(record))
    return path


NAMES = {"_outside_": "background", "plate": "substrate", "KH": "keyhole"}


def test_labelme_shapes_later_ones_over_earlier_ones(tmp_path):
    path = labelme(
        tmp_path / "f0.json",
        [
            ("plate", "rectangle", [[48, 32], [0, 12]]),
            ("KH", "polygon", [[20, 12], [25, 12], [25, 21], [20, 21]]),
            ("note", "point", [[3, 3]]),
            ("note", "linestrip", [[3, 3], [4, 4]]),
        ],
    )
    images = open_label_images(path)
    assert found_values(images) == {"plate": 20 * 48 - 45, "_outside_": 12 * 48, "KH": 45}
    assert "1 shapes of kind point are not read" in images.stack.notes
    frame = read_label_images(path, NAMES)[0]
    wanted = np.full((32, 48), Label.BACKGROUND, np.uint8)
    wanted[12:] = Label.SUBSTRATE
    wanted[12:21, 20:25] = Label.KEYHOLE
    np.testing.assert_array_equal(frame, wanted)


def test_a_labelme_circle_has_its_area(tmp_path):
    path = labelme(tmp_path / "a.json", [("p", "circle", [[100, 100], [100, 140]])], (200, 200))
    frame = read_label_images(path, {"p": "pore", "_outside_": "unlabelled"})[0]
    assert (frame == Label.PORE).sum() == pytest.approx(np.pi * 40**2, rel=0.002)


def test_a_pixel_is_in_a_polygon_if_its_centre_is(tmp_path, rng):
    """Drawn twentyfold by Pillow and looked at in the pixel centres."""
    points = rng.uniform(-10, 60, (12, 2))
    path = labelme(tmp_path / "a.json", [("p", "polygon", points.tolist())], (40, 50))
    frame = read_label_images(path, {"p": "pore", "_outside_": "unlabelled"})[0]
    big = Image.new("L", (50 * 21, 40 * 21))
    ImageDraw.Draw(big).polygon([(x * 21, y * 21) for x, y in points], fill=2)
    centres = np.asarray(big)[10::21, 10::21]
    assert 0.2 < (centres > 0).mean() < 0.8
    assert (centres != frame).sum() <= 4  # Pillow also fills what the outline crosses


def test_a_folder_of_labelme_files_beside_their_images(tmp_path, labels):
    for t in (9, 10):
        labelme(tmp_path / f"f{t}.json", [("plate", "rectangle", [[0, t], [48, 32]])])
        Image.fromarray(labels).save(tmp_path / f"f{t}.png")
    stack = read_label_images(tmp_path, NAMES)
    assert [int((stack[t] == Label.SUBSTRATE).sum()) for t in (0, 1)] == [23 * 48, 22 * 48]
    labelme(tmp_path / "f11.json", [], size=(30, 48))
    Image.fromarray(labels).save(tmp_path / "f11.png")
    with pytest.raises(ValueError, match=r"f11.json: its image is 30x48"):
        open_label_images(tmp_path)


def test_other_records_beside_label_images_are_no_drawings(indexed, labels):
    (indexed / "run.json").write_text("{}")
    (indexed / "legend.json").write_text("{}")
    np.testing.assert_array_equal(read_label_images(indexed, OURS)[0], labels)


HUGE = 10**400


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        '{"shapes": [], "imageHeight": 10}',
        '{"shapes": 3, "imageHeight": 10, "imageWidth": 10}',
        '{"shapes": [3], "imageHeight": 10, "imageWidth": 10}',
        '{"shapes": [], "imageHeight": true, "imageWidth": 10}',
        '{"shapes": [], "imageHeight": 1e3, "imageWidth": 10}',
        '{"shapes": [], "imageHeight": 1000000, "imageWidth": 1000000}',
        f'{{"shapes": [], "imageHeight": {"9" * 5000}, "imageWidth": 10}}',
        *(
            f'{{"shapes": [{{"label": {name}, "shape_type": "{kind}", "points": {points}}}], '
            '"imageHeight": 10, "imageWidth": 10}'
            for name, kind, points in (
                ("3", "polygon", "[[1,1],[2,2],[3,1]]"),
                ('" "', "polygon", "[[1,1],[2,2],[3,1]]"),
                ('"p"', "polygon", "[[1,1],[2,2]]"),
                ('"p"', "polygon", "[[1,1],[2,2],[3]]"),
                ('"p"', "polygon", "[[1,1],[2,2],[NaN,3]]"),
                ('"p"', "polygon", f"[[1,1],[2,2],[{HUGE},3]]"),
                ('"p"', "rectangle", "[[1,1],[1e300,2]]"),
                ('"p"', "circle", "null"),
            )
        ),
    ],
)
def test_a_labelme_file_that_makes_no_sense_is_one_clear_error(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.json: not readable as a labelme file"):
        open_label_images(path)
