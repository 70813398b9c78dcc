"""JPEG in, JPEG out: what no edit touched is the same, bit for bit."""

import dataclasses
import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from facemod.imaging.blocks import NotCarriedError, changed_jpeg
from facemod.imaging.marking import Mark, read_mark
from facemod.imaging.reading import open_photo
from facemod.imaging.segments import parts_of
from facemod.imaging.writing import write_photo

MARK = Mark("composite", "smile +1.5", "facemod 9.9")
jpeglib = pytest.importorskip("jpeglib")


def scene(size, seed=3):
    """Grain, edges and colours beyond what JPEG can hold: uint8 [H, W, 3]."""
    width, height = size
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, (90, 140, 200))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        corners = [(int(rng.integers(width)), int(rng.integers(height))) for _ in range(3)]
        draw.polygon(corners, fill=tuple(rng.integers(0, 256, 3).tolist()))
    grainy = np.asarray(image) + rng.normal(0, 9, (height, width, 1))
    return grainy.clip(0, 255).astype(np.uint8)


def stored(picture, **options):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", **({"quality": 88} | options))
    return stream.getvalue()


def pixels(jpeg):
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))


def with_patch(before, top=25, left=37, height=30, width=41):
    """The picture with other colours in a patch."""
    after = before.copy()
    after[top : top + height, left : left + width] = scene((width, height), seed=8)
    return after


def units_of(before, after, unit):
    """The pixels of all blocks that a change touches, and one more around them."""
    down, across = unit
    changed = (before != after).any(2)
    blocks = np.zeros(changed.shape, bool)
    for row, column in np.argwhere(changed):
        top, left = row // down * down, column // across * across
        blocks[max(top - 1, 0) : top + down + 1, max(left - 1, 0) : left + across + 1] = True
    return blocks


def psnr(one, other):
    return -10 * np.log10(np.mean((one.astype(float) - other) ** 2) / 255**2)


@pytest.mark.parametrize("size", [(128, 96), (131, 99)])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(("subsampling", "unit"), [(0, (8, 8)), (1, (8, 16)), (2, (16, 16))])
def test_only_touched_blocks_change(subsampling, unit, progressive, size):
    file = stored(scene(size), subsampling=subsampling, progressive=progressive)
    before = pixels(file)
    after = with_patch(before)
    result = pixels(changed_jpeg(file, before, after).file())
    outside = ~units_of(before, after, unit)
    assert np.array_equal(result[outside], before[outside])
    inside = np.s_[32:48, 48:64]
    encoded_anew = pixels(stored(after, subsampling=subsampling))
    assert psnr(result[inside], after[inside]) > psnr(encoded_anew[inside], after[inside]) - 1


@pytest.mark.parametrize("factors", ["4:4:0", "4:1:1", "4:1:0"])
def test_rare_subsamplings(tmp_path, factors):
    jpeg = jpeglib.from_spatial(scene((131, 99)))
    jpeg.samp_factor = factors
    jpeg.write_spatial(str(tmp_path / "a.jpg"), qt=88)
    file = (tmp_path / "a.jpg").read_bytes()
    before = pixels(file)
    after = with_patch(before)
    result = pixels(changed_jpeg(file, before, after).file())
    outside = ~units_of(before, after, (32, 32))
    assert np.array_equal(result[outside], before[outside])
    assert psnr(result[32:48, 48:64], after[32:48, 48:64]) > 15


@pytest.mark.parametrize(
    "options", [{"restart_marker_blocks": 3}, {"quality": 100}, {"quality": 5}]
)
def test_restart_markers_and_extreme_quality(options):
    file = stored(scene((131, 99)), **options)
    before = pixels(file)
    after = with_patch(before)
    result = pixels(changed_jpeg(file, before, after).file())
    outside = ~units_of(before, after, (16, 16))
    assert np.array_equal(result[outside], before[outside])
    assert (result[32:48, 48:64] != before[32:48, 48:64]).any()


@pytest.mark.parametrize("place", [(0, 0), (80, 100), (98, 130)])
def test_edits_at_the_borders(place):
    file = stored(scene((131, 99)))
    before = pixels(file)
    after = before.copy()
    after[place[0] : place[0] + 30, place[1] : place[1] + 40] ^= 128
    result = pixels(changed_jpeg(file, before, after).file())
    outside = ~units_of(before, after, (16, 16))
    assert np.array_equal(result[outside], before[outside])
    changed = np.s_[place[0] : place[0] + 30, place[1] : place[1] + 40]
    assert (result[changed] != before[changed]).any()


def test_a_file_without_a_change_keeps_its_scans():
    file = stored(scene((131, 99)), progressive=True, comment="hello")
    before = pixels(file)
    result = changed_jpeg(file, before, before.copy())
    assert result.picture == parts_of(file).picture
    assert not any(b"hello" in part for part in result.about)


def test_a_change_too_faint_for_the_file_changes_nothing():
    file = stored(scene((131, 99)), quality=30)
    before = pixels(file)
    after = before.copy()
    after[40, 40] ^= 1
    assert np.array_equal(pixels(changed_jpeg(file, before, after).file()), before)


def test_grey_files(tmp_path):
    Image.fromarray(scene((131, 99))[..., 0]).save(tmp_path / "a.jpg")
    photo = open_photo(tmp_path / "a.jpg")
    edited = photo.replaced(with_patch(photo.rgb))
    assert write_photo(edited, tmp_path / "b.jpg", mark=MARK) == ()
    written = open_photo(tmp_path / "b.jpg")
    assert written.source.mode == "L"
    outside = ~units_of(photo.pixels, edited.pixels, (8, 8))
    assert np.array_equal(written.pixels[outside], photo.pixels[outside])
    wanted = np.asarray(Image.fromarray(edited.pixels).convert("L"))
    assert psnr(written.pixels[32:48, 48:64, 0], wanted[32:48, 48:64]) > 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("subsampling", [0, 2])
def test_photos_stay_turned_as_they_are_stored(tmp_path, camera_exif, orientation, subsampling):
    camera_exif[0x0112] = orientation
    (tmp_path / "a.jpg").write_bytes(
        stored(scene((131, 99)), exif=camera_exif, subsampling=subsampling, dpi=(300, 300))
    )
    photo = open_photo(tmp_path / "a.jpg")
    edited = photo.replaced(with_patch(photo.rgb, top=8, left=8, height=60, width=70))
    assert write_photo(edited, tmp_path / "b.jpg", mark=MARK) == ()
    written = open_photo(tmp_path / "b.jpg")
    outside = np.ones(photo.pixels.shape[:2], bool)
    outside[:85, :95] = False
    assert np.array_equal(written.pixels[outside], photo.pixels[outside])
    assert psnr(written.pixels[16:60, 16:70], edited.pixels[16:60, 16:70]) > 15
    with Image.open(tmp_path / "b.jpg") as file:
        assert file.size == (131, 99)
        assert file.getexif()[0x0112] == orientation
        folder = file.getexif().get_ifd(0x8769)
        assert (folder[0xA002], folder[0xA003]) == (131, 99)
        assert file.info["dpi"] == (300, 300)
    assert read_mark(tmp_path / "b.jpg") == MARK


def test_an_orientation_in_xmp_stays_there(tmp_path):
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    (tmp_path / "a.jpg").write_bytes(stored(scene((131, 99)), xmp=packet))
    photo = open_photo(tmp_path / "a.jpg")
    assert photo.pixels.shape == (131, 99, 3)
    assert write_photo(photo, tmp_path / "b.jpg", mark=MARK) == ()
    assert np.array_equal(open_photo(tmp_path / "b.jpg").pixels, photo.pixels)
    assert b'tiff:Orientation="6"' in (tmp_path / "b.jpg").read_bytes()


def test_an_orientation_that_does_not_fit_any_more_is_made_upright(tmp_path, camera_exif):
    camera_exif[0x0112] = 6
    (tmp_path / "a.jpg").write_bytes(stored(scene((131, 99)), exif=camera_exif))
    photo = open_photo(tmp_path / "a.jpg")
    large = dataclasses.replace(photo.source, exif=photo.source.exif + bytes(70_000))
    photo = dataclasses.replace(photo, source=large)
    anew, dropped = write_photo(photo, tmp_path / "b.jpg", mark=MARK)
    assert "encoded anew" in anew
    assert "EXIF block is too large" in dropped
    assert open_photo(tmp_path / "b.jpg").pixels.shape == (131, 99, 3)


def test_a_second_edit_changes_what_the_first_left(tmp_path):
    (tmp_path / "a.jpg").write_bytes(stored(scene((131, 99))))
    photo = open_photo(tmp_path / "a.jpg")
    once = photo.replaced(with_patch(photo.rgb))
    twice = once.replaced(with_patch(once.rgb, top=70, left=90, height=9, width=9))
    assert write_photo(twice, tmp_path / "b.jpg", mark=None) == ()
    written = open_photo(tmp_path / "b.jpg").pixels
    for region in (np.s_[32:48, 48:64], np.s_[72:78, 92:98]):
        assert (written[region] != photo.pixels[region]).any()
    assert np.array_equal(written[:10], photo.pixels[:10])


def test_files_of_other_colours_are_encoded_anew_and_that_is_said(tmp_path):
    Image.fromarray(scene((131, 99))).save(tmp_path / "rgb.jpg", keep_rgb=True)
    Image.fromarray(scene((131, 99))).convert("CMYK").save(tmp_path / "cmyk.jpg")
    for name, reason in (("rgb.jpg", "unusual colours"), ("cmyk.jpg", "had to be converted")):
        photo = open_photo(tmp_path / name)
        edited = photo.replaced(with_patch(photo.rgb))
        (note,) = write_photo(edited, tmp_path / f"new-{name}", mark=MARK)
        assert "encoded anew" in note
        assert reason in note
        assert psnr(open_photo(tmp_path / f"new-{name}").pixels, edited.pixels) > 20


def test_an_rgb_file_without_an_edit_keeps_its_colours(tmp_path):
    Image.fromarray(scene((131, 99))).save(tmp_path / "a.jpg", keep_rgb=True)
    photo = open_photo(tmp_path / "a.jpg")
    assert write_photo(photo, tmp_path / "b.jpg", mark=MARK) == ()
    assert np.array_equal(open_photo(tmp_path / "b.jpg").pixels, photo.pixels)


def test_without_the_package_the_photo_is_written_with_a_word(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(stored(scene((131, 99))))
    photo = open_photo(tmp_path / "a.jpg")
    monkeypatch.setitem(sys.modules, "jpeglib", None)
    (note,) = write_photo(photo.replaced(with_patch(photo.rgb)), tmp_path / "b.jpg", mark=None)
    assert "jpeglib is missing" in note
    assert open_photo(tmp_path / "b.jpg").pixels.shape == photo.pixels.shape


def test_a_file_that_is_not_what_was_read_is_not_carried_over():
    file = stored(scene((131, 99)))
    before = pixels(file)
    brighter = np.clip(before.astype(int) + 9, 0, 255).astype(np.uint8)
    with pytest.raises(NotCarriedError, match="do not decode to what they were"):
        changed_jpeg(file, brighter, with_patch(brighter))
    with pytest.raises(NotCarriedError, match="size"):
        changed_jpeg(file, before[:50], with_patch(before[:50], height=10))


def test_damage_ends_in_a_word_and_never_in_a_crash(capfd):
    rng = np.random.default_rng(5)
    file = stored(scene((67, 51)), progressive=True)
    before = pixels(file)
    after = with_patch(before, top=5, left=5, height=20, width=20)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(file)
        for place in rng.integers(2, len(file), 3):
            damaged[place] = rng.integers(256)
        try:
            changed_jpeg(bytes(damaged), before, after)
            outcomes.add("carried")
        except NotCarriedError:
            outcomes.add("not carried")
    assert "not carried" in outcomes
    capfd.readouterr()  # libjpeg has its own words for it
