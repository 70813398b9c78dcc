import dataclasses

import numpy as np
import pytest
from PIL import Image

from facemod.errors import OutputError, OutputExistsError
from facemod.imaging.marking import Mark, read_mark
from facemod.imaging.reading import open_photo
from facemod.imaging.writing import FORMATS, output_suffix, write_image, write_photo

MARK = Mark("composite", "smile +1.5", "facemod 9.9")
SUFFIXES = [".jpg", ".png", ".webp", ".tif"]


@pytest.fixture
def photo(tmp_path, picture, camera_exif, xmp_packet, p3_profile):
    """A JPEG photo with everything a camera and an archivist add to it."""
    path = tmp_path / "in" / "photo.jpg"
    path.parent.mkdir()
    Image.fromarray(picture).save(
        path, quality=61, subsampling=1, dpi=(300, 300),
        exif=camera_exif, xmp=xmp_packet, icc_profile=p3_profile,
    )  # fmt: skip
    return open_photo(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_metadata_reaches_every_format(tmp_path, photo, p3_profile, suffix):
    path = tmp_path / f"out{suffix}"
    assert write_photo(photo, path, mark=MARK) == ()
    written = open_photo(path).source
    exif = Image.Exif()
    exif.load(written.exif)
    assert exif[0x010F] == "Maker"
    assert exif.get_ifd(0x8769)[0x927C] == b"note\x00\x01"
    assert exif.get_ifd(0x8769)[0x9003] == "2024:05:01 10:00:00"
    assert exif.get_ifd(0x8825)[2] == (50.0, 4.0, 30.0)
    assert written.icc == p3_profile
    assert b"xmp:Rating" in written.xmp
    assert "Na\u00efve".encode() in written.xmp
    assert read_mark(path) == MARK
    if suffix != ".webp":  # which has no place for it
        assert written.dpi == pytest.approx((300, 300), abs=0.1)


def test_without_mark_the_old_packet_stays_unmarked(tmp_path, photo):
    write_photo(photo, tmp_path / "out.jpg", mark=None)
    assert read_mark(tmp_path / "out.jpg") is None
    assert b"Old Camera" in open_photo(tmp_path / "out.jpg").source.xmp


def test_a_jpeg_keeps_its_tables(tmp_path, photo):
    write_photo(photo, tmp_path / "out.jpeg", mark=MARK)
    written = open_photo(tmp_path / "out.jpeg").source
    assert (written.qtables, written.subsampling) == (photo.source.qtables, 1)


def test_a_jpeg_from_elsewhere_is_fine_and_full_colour(tmp_path, picture):
    write_image(picture, tmp_path / "photo.png")
    write_photo(open_photo(tmp_path / "photo.png"), tmp_path / "out.jpg", mark=None)
    written = open_photo(tmp_path / "out.jpg").source
    assert written.subsampling == 0
    assert written.qtables[0][0] <= 2  # quality 95


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_lossless_formats_keep_every_bit(tmp_path, picture, rng, suffix):
    path = tmp_path / "photo.png"
    alpha = rng.integers(0, 256, picture.shape[:2], np.uint8)
    Image.fromarray(np.dstack([picture, alpha])).save(path)
    write_photo(open_photo(path), tmp_path / f"out{suffix}", mark=MARK)
    written = open_photo(tmp_path / f"out{suffix}")
    assert np.array_equal(written.pixels, picture)
    assert np.array_equal(written.alpha, alpha)


def test_a_p3_photo_edited_and_read_again_is_p3_outside_the_edit(tmp_path, photo, p3_profile):
    rgb = photo.rgb.copy()
    rgb[:9, :9] = 99
    write_photo(photo.replaced(rgb), tmp_path / "out.png", mark=MARK)
    written = open_photo(tmp_path / "out.png")
    assert np.array_equal(written.pixels[9:], photo.pixels[9:])
    assert np.abs(written.rgb[:9, :9].astype(int) - 99).max() <= 2


def test_jpeg_fills_transparency_with_white_and_says_so(tmp_path, picture):
    path = tmp_path / "photo.png"
    alpha = np.zeros(picture.shape[:2], np.uint8)
    alpha[:, 32:] = 255
    Image.fromarray(np.dstack([picture, alpha])).save(path)
    notes = write_photo(open_photo(path), tmp_path / "out.jpg", mark=None)
    assert notes == ("JPEG cannot hold transparency: it was filled with white",)
    written = open_photo(tmp_path / "out.jpg").pixels.astype(int)
    assert written[:, :24].min() >= 250
    assert np.abs(written[:, 40:] - picture[:, 40:]).max() < 20


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_grey_photos_stay_grey(tmp_path, picture, suffix):
    path = tmp_path / "photo.png"
    Image.fromarray(picture[..., 0]).save(path)
    photo = open_photo(path)
    rgb = photo.rgb.copy()
    rgb[:8, :8] = (250, 10, 10)
    write_photo(photo.replaced(rgb), tmp_path / f"out{suffix}", mark=None)
    written = open_photo(tmp_path / f"out{suffix}")
    assert (np.ptp(written.pixels, axis=2) <= 2).all()
    if suffix in {".png", ".tif"}:
        assert written.source.mode == "L"
        assert np.array_equal(written.pixels[9:], photo.pixels[9:])


@pytest.mark.parametrize(
    ("field", "words"), [("exif", "EXIF block is too large"), ("xmp", "XMP packet")]
)
def test_what_a_jpeg_has_no_room_for_is_said(tmp_path, photo, xmp_packet, field, words):
    too_large = {
        "exif": photo.source.exif + bytes(70_000),
        "xmp": xmp_packet.replace(b"Na", b"N" * 70_000),
    }
    source = dataclasses.replace(photo.source, **{field: too_large[field]})
    (note,) = write_photo(
        dataclasses.replace(photo, source=source), tmp_path / "out.jpg", mark=MARK
    )
    assert words in note
    assert read_mark(tmp_path / "out.jpg") == MARK


def test_never_in_place_by_accident(photo):
    path = photo.source.path
    before = path.read_bytes()
    with pytest.raises(OutputExistsError, match="would replace the original photo"):
        write_photo(photo, path, mark=MARK)
    assert path.read_bytes() == before
    write_photo(photo, path, mark=MARK, overwrite=True)
    assert read_mark(path) == MARK


@pytest.mark.parametrize("name", ["out.bmp", "out", "out.mp4"])
def test_unknown_suffixes_name_the_known_ones(tmp_path, photo, name):
    with pytest.raises(
        OutputError, match=r"use one of \.jpg, \.jpeg, \.png, \.webp, \.tif, \.tiff"
    ):
        write_photo(photo, tmp_path / name, mark=MARK)
    assert not (tmp_path / name).exists()


def test_sizes_beyond_a_format_are_refused(tmp_path):
    with pytest.raises(OutputError, match="cannot be written as WEBP"):
        write_image(np.zeros((1, 17_000, 3), np.uint8), tmp_path / "out.webp")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_plain_pictures(tmp_path, picture, suffix):
    path = tmp_path / "made" / f"out{suffix.upper()}"
    mark = Mark("synthetic", "sample seed 7", "facemod 9.9")
    write_image(picture, path, mark=mark)
    photo = open_photo(path)
    assert np.abs(photo.pixels.astype(int) - picture).mean() < 3
    assert photo.source.format == FORMATS[suffix]
    assert read_mark(path) == mark


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.jpg", ".jpg"), ("a.TIFF", ".TIFF"), ("a.heic", ".jpg"), ("a.gif", ".png"), ("a", ".jpg")],
)
def test_suffix_of_results(name, suffix):
    assert output_suffix(name) == suffix


def test_exif_that_cannot_be_written_again_costs_only_the_exif(tmp_path, photo):
    source = dataclasses.replace(photo.source, exif=b"Exif\0\0MM9*")
    notes = write_photo(dataclasses.replace(photo, source=source), tmp_path / "o.tif", mark=MARK)
    assert notes == ("a damaged EXIF block was dropped",)
    assert read_mark(tmp_path / "o.tif") == MARK
