import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from facemod.imaging.reading import open_photo

TURNS_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(tmp_path, picture, camera_exif, suffix, orientation):
    path = tmp_path / f"photo{suffix}"
    stored = Image.fromarray(picture)
    if orientation > 1:
        stored = stored.transpose(TURNS_BACK[orientation])
    camera_exif[0x0112] = orientation
    stored.save(
        path, exif=camera_exif.tobytes(), **({"lossless": True} if suffix == ".webp" else {})
    )
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, picture)
    after = Image.Exif()
    after.load(photo.source.exif)
    assert after.get(0x0112, 1) == 1
    assert after.get_ifd(0x8825)[1] == "N"
    assert photo.source.notes == ()


def test_jpeg_tables_and_resolution(tmp_path, picture, camera_exif, xmp_packet, p3_profile):
    path = tmp_path / "photo.jpg"
    Image.fromarray(picture).save(
        path, quality=61, subsampling=1, dpi=(300, 300),
        exif=camera_exif, xmp=xmp_packet, icc_profile=p3_profile,
    )  # fmt: skip
    source = open_photo(path).source
    with Image.open(path) as image:
        assert source.qtables == image.quantization
    assert source.subsampling == 1
    assert source.dpi == (300, 300)
    assert source.xmp == xmp_packet
    assert source.icc == p3_profile
    assert (source.format, source.mode, source.lossless) == ("JPEG", "RGB", False)
    assert source.exif.startswith(b"Exif\0\0")
    assert b"note\x00\x01" in source.exif


def test_orientation_in_xmp_is_made_true_too(tmp_path, picture):
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture).save(path, exif=exif, xmp=b'<x tiff:Orientation="6"/>')
    photo = open_photo(path)
    assert photo.pixels.shape == (64, 48, 3)
    assert photo.source.xmp == b'<x tiff:Orientation="1"/>'


def test_damaged_exif_costs_only_the_exif(tmp_path, picture):
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path, exif=b"Exif\0\0MM\0*\0\0\0\xff")
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, picture)
    assert photo.source.exif == b""
    assert photo.source.notes == ("a damaged EXIF block was dropped",)


def test_alpha_is_kept_apart(tmp_path, picture, rng):
    path = tmp_path / "photo.png"
    alpha = rng.integers(0, 256, picture.shape[:2], np.uint8)
    Image.fromarray(np.dstack([picture, alpha])).save(path)
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, picture)
    assert np.array_equal(photo.alpha, alpha)


def test_palettes_become_colours(tmp_path, picture):
    path = tmp_path / "photo.png"
    flat = Image.fromarray(picture).quantize(16)
    flat.save(path, transparency=3)
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, np.asarray(flat.convert("RGB")))
    assert np.array_equal(photo.alpha == 0, np.asarray(flat) == 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_is_spread_and_remembered(tmp_path, picture, mode):
    path = tmp_path / "photo.png"
    grey = Image.fromarray(picture).convert(mode)
    grey.save(path)
    photo = open_photo(path)
    assert photo.source.is_grey
    assert np.array_equal(photo.pixels, np.asarray(grey.convert("RGB")))
    assert (photo.alpha is not None) == (mode == "LA")


def test_the_first_of_several_frames(tmp_path, picture):
    path = tmp_path / "photo.webp"
    frames = [Image.fromarray(np.roll(picture, 9 * shift, axis=1)) for shift in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, picture)
    assert photo.source.notes == ("only the first of 3 pictures in the file is used",)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png(tmp_path, picture, rng, png_of_16_bits, channels):
    path = tmp_path / "photo.png"
    eight = np.dstack([picture, rng.integers(0, 256, picture.shape[:2], np.uint8)])[..., -channels:]
    path.write_bytes(png_of_16_bits(eight.astype(np.uint16) * 257))
    photo = open_photo(path)
    assert photo.source.notes == ("16-bit reduced to 8-bit",)
    colours = eight if channels % 2 else eight[..., :-1]
    assert np.array_equal(photo.pixels, np.broadcast_to(colours, picture.shape))
    if channels % 2 == 0:
        assert np.array_equal(photo.alpha, eight[..., -1])


def test_16_bit_tiff(tmp_path, picture):
    path = tmp_path / "photo.tif"
    Image.fromarray(picture[..., 0].astype(np.uint16) * 257).save(path)
    photo = open_photo(path)
    assert photo.source.notes == ("16-bit reduced to 8-bit",)
    assert np.array_equal(photo.pixels[..., 1], picture[..., 0])


def test_cmyk_is_converted_with_its_profile(tmp_path, one_way_profile):
    path = tmp_path / "photo.tif"
    profile = one_way_profile(b"CMYK", lambda ink: (100 - 40 * ink[0], -40 * ink[0], -30 * ink[0]))
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(path, icc_profile=profile)
    photo = open_photo(path)
    assert photo.source.notes == ("CMYK converted to sRGB",)
    assert photo.source.icc == b""
    # CIE Lab 60 -40 -30, computed by hand; without the profile it would be 0 255 255
    assert np.abs(photo.pixels[0, 0].astype(int) - (0, 164, 196)).max() <= 2


def test_cmyk_jpeg_without_profile(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.new("CMYK", (16, 16), (0, 0, 0, 0)).save(path, quality=95)
    photo = open_photo(path)
    assert photo.pixels.min() >= 254
    assert "approximate" in photo.source.notes[0]
    assert photo.source.qtables is None


def test_a_profile_of_one_direction_is_spent_on_reading(tmp_path, one_way_profile):
    path = tmp_path / "photo.png"
    profile = one_way_profile(b"RGB ", lambda light: (100 * light[0], 0, 0))
    Image.new("RGBA", (4, 4), (255, 0, 0, 77)).save(path, icc_profile=profile)
    photo = open_photo(path)
    assert (photo.pixels >= 254).all()
    assert (photo.alpha == 77).all()
    assert photo.source.icc == b""
    assert "one way" in photo.source.notes[0]


def test_a_rubbish_profile_is_ignored_aloud(tmp_path, picture):
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path, icc_profile=b"rubbish" * 30)
    photo = open_photo(path)
    assert np.array_equal(photo.rgb, picture)
    assert photo.source.icc == b""
    assert "unusable colour profile" in photo.source.notes[0]


def test_a_grey_profile_on_colours_is_ignored_aloud(tmp_path, picture, grey_profile):
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path, icc_profile=grey_profile)
    photo = open_photo(path)
    assert np.array_equal(photo.rgb, picture)
    assert "grey colour profile" in photo.source.notes[0]


@pytest.mark.parametrize("lossless", [True, False])
def test_lossless_webp_is_recognised(tmp_path, picture, p3_profile, lossless):
    path = tmp_path / "photo.webp"
    Image.fromarray(picture).save(path, lossless=lossless, icc_profile=p3_profile)
    assert open_photo(path).source.lossless is lossless


def test_names_of_any_script(tmp_path, picture):
    path = tmp_path / "Zo\u00eb \u5199\u771f \U0001f600.png"
    Image.fromarray(picture).save(path)
    assert np.array_equal(open_photo(str(path)).pixels, picture)


def test_heic(tmp_path, picture, camera_exif):
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "photo.heic"
    heif.from_pillow(Image.fromarray(picture)).save(path, quality=95, exif=camera_exif.tobytes())
    photo = open_photo(path)
    assert photo.pixels.shape == picture.shape
    assert np.abs(photo.pixels.astype(int) - picture).mean() < 6
    assert b"note\x00\x01" in photo.source.exif


def test_pillow_agrees_about_turning(tmp_path, picture, camera_exif):
    path = tmp_path / "photo.jpg"
    camera_exif[0x0112] = 5
    Image.fromarray(picture).save(path, exif=camera_exif)
    with Image.open(path) as image:
        assert np.array_equal(open_photo(path).pixels, np.asarray(ImageOps.exif_transpose(image)))


def test_pillow_does_not_speak_to_the_user(tmp_path, picture):
    path = tmp_path / "a.tif"
    Image.fromarray(picture).save(path, tiffinfo={270: "x" * 100})
    description = struct.pack("<HHI", 270, 2, 101)
    assert description in path.read_bytes()
    too_long = struct.pack("<HHI", 270, 2, 10**6)
    path.write_bytes(path.read_bytes().replace(description, too_long))
    code = f"from facemod.imaging.reading import open_photo; open_photo({str(path)!r})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ended.stderr == b""
