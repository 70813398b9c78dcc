"""The corridor, with a model and a detector that are simple enough to predict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import COLOURS, RESOLUTIONS, FailingModel, FakeDetector, FakeModel

from facemod.editing.corridor import put_back, redraw
from facemod.editing.editor import Editor
from facemod.editing.treatments import Retouch
from facemod.errors import NoFaceError
from facemod.faces.matte import matte
from facemod.fidelity.ladder import Fidelity
from facemod.fidelity.regions import Regions
from facemod.imaging.photo import Photo, Source
from facemod.latent.edits import Shift
from facemod.models.base import Drawn
from facemod.tensors.pixels import to_pixels, to_tensor

MID = range(3, 9)


@pytest.fixture
def editor() -> Editor:
    return Editor(FakeModel(), FakeDetector())


@pytest.fixture
def photo() -> Photo:
    """Two faces in noise, on a photo of 200 x 100."""
    pixels = np.random.default_rng(2).integers(60, 190, (100, 200, 3), dtype=np.uint8)
    return Photo(pixels, None, Source(Path("a.png"), "PNG", "RGB"))


def colour_shift(red: float, region=()) -> Shift:
    direction = torch.zeros(len(RESOLUTIONS), COLOURS)
    direction[list(MID), 0] = red
    return Shift(direction, region)


redder, nothing = colour_shift(0.4), colour_shift(0)


def edit_photo(editor, photo, edit, *, faces="all", fidelity=Fidelity.TRANSFER):
    """The whole way of one photo."""
    retouch = Retouch(edit, fidelity)
    edited = retouch.faces(editor, editor.cut_out(photo, faces))
    return retouch.photo(photo, edited), edited


@pytest.mark.parametrize("pixels", [np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)])
def test_pixels_survive_the_way_to_tensors_and_back(pixels):
    tensor = to_tensor([pixels])
    assert (tensor.min(), tensor.max()) == (-1, 1)
    assert np.array_equal(to_pixels(tensor)[0], pixels)


def test_a_zero_edit_is_the_identity(editor, photo):
    edited, faces = edit_photo(editor, photo, nothing)
    assert np.array_equal(edited.pixels, photo.pixels)
    for face in faces:
        assert np.array_equal(face.pixels, face.crop.pixels)


def test_an_edit_stays_inside_the_squares_of_the_chosen_faces(editor, photo):
    edited, faces = edit_photo(editor, photo, redder, faces="2")
    changed = np.argwhere((edited.pixels != photo.pixels).any(axis=2))
    x1, y1, x2, y2 = faces[0].crop.face.box
    assert len(changed) > 200
    assert (changed.min(axis=0) >= np.floor([y1, x1])).all()
    assert (changed.max(axis=0) <= np.ceil([y2, x2])).all()


def test_the_photo_that_was_given_is_not_written_to(editor, photo):
    before = photo.pixels.copy()
    edit_photo(editor, photo, redder)
    assert np.array_equal(photo.pixels, before)


def test_transfer_keeps_detail_and_encode_does_not(editor, photo):
    [encoded, *_] = editor.encode(editor.cut_out(photo))
    (kept,) = (f.pixels for f in redraw([encoded], [redder], Fidelity.TRANSFER))
    (decoded,) = (f.pixels for f in redraw([encoded], [redder], Fidelity.ENCODE))
    middle = (slice(28, 36), slice(16, 48), 1)
    assert kept[middle].std() == pytest.approx(encoded.crop.pixels[middle].std())
    assert decoded[middle].std() == 0


def test_encode_replaces_the_face_even_without_an_edit(editor, photo):
    edited, _ = edit_photo(editor, photo, nothing, fidelity=Fidelity.ENCODE)
    assert not np.array_equal(edited.pixels, photo.pixels)


def test_each_face_may_have_its_own_edit(editor, photo):
    faces = editor.encode(editor.cut_out(photo))
    edited = put_back(photo, redraw(faces, [nothing, redder]))
    changed = (edited.pixels != photo.pixels).any(axis=(0, 2))
    assert not changed[:100].any()
    assert changed[100:].any()


def test_faces_edited_together_come_out_as_if_alone(editor, photo):
    encoded = editor.encode(editor.cut_out(photo))
    together = redraw(encoded, [redder, nothing])
    for face, edit, result in zip(encoded, [redder, nothing], together, strict=True):
        (alone,) = redraw([face], [edit])
        assert np.array_equal(alone.pixels, result.pixels)
        assert alone.scores == pytest.approx(result.scores)


def test_a_face_is_decoded_only_when_its_picture_is_needed(photo):
    editor = Editor(FailingModel(AssertionError("decoded"), decoding=True), FakeDetector())
    [encoded, *_] = editor.encode(editor.cut_out(photo))
    assert len(encoded.codes) == 1
    with pytest.raises(AssertionError, match="decoded"):
        _ = encoded.reconstruction


def test_scores_measure_the_reconstruction(editor, photo):
    flat = Photo(np.full((80, 80, 3), 99, np.uint8), None, photo.source)
    psnr = {}
    for name, picture in (("flat", flat), ("noise", photo)):
        _, faces = edit_photo(editor, picture, redder, faces="1")
        psnr[name] = faces[0].scores["psnr"]
    assert psnr["flat"] > 60
    assert 5 < psnr["noise"] < 25


def test_an_edit_ends_at_the_rim_of_its_region(editor, photo):
    """Whoever redraws a face need not think of it: the edit knows."""
    [encoded, *_] = editor.encode(editor.cut_out(photo))
    upper = ((0.0, 0.0, 1.0, 0.4),)
    [whole], [part] = (redraw([encoded], [colour_shift(0.4, region)]) for region in ((), upper))
    below = slice(round(0.5 * len(part.pixels)), None)
    assert np.array_equal(part.pixels[below], encoded.crop.pixels[below])
    assert not np.array_equal(whole.pixels[below], encoded.crop.pixels[below])
    middle = slice(round(0.34 * len(part.pixels)), round(0.38 * len(part.pixels)))
    assert np.array_equal(part.pixels[middle], whole.pixels[middle])


def test_faces_with_and_without_a_region_share_a_batch(editor, photo):
    encoded = editor.encode(editor.cut_out(photo))
    edits = [redder, colour_shift(0.4, ((0.0, 0.0, 1.0, 0.4),))]
    together = redraw(encoded, edits)
    alone = [redraw([face], [edit])[0] for face, edit in zip(encoded, edits, strict=True)]
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1


def test_no_face(editor, photo):
    dark = Photo(np.zeros((80, 80, 3), np.uint8), None, photo.source)
    with pytest.raises(NoFaceError):
        edit_photo(editor, dark, redder)
    with pytest.raises(NoFaceError, match="no face 3"):
        edit_photo(editor, photo, redder, faces="3")


class SizedModel(FakeModel):
    """Draws pictures of 16, 32 and 64 px, and remembers which it was asked for."""

    info = replace(FakeModel.info, smaller=(16, 32))

    def __init__(self) -> None:
        self.asked: list[int | None] = []

    def decode(self, codes, size=None):
        self.asked.append(size)
        picture = super().decode(codes)
        return torch.nn.functional.interpolate(picture, (size, size))


@pytest.mark.parametrize(("size", "side"), [(None, 32), (20, 32), (10, 16), (500, 64)])
def test_a_face_is_worked_on_at_the_size_that_it_needs(size, side):
    """The face's square in the photo is 31 px wide."""
    pixels = np.full((52, 52, 3), 120, dtype=np.uint8)
    photo = Photo(pixels, None, Source(Path("a.png"), "PNG", "RGB"))
    editor = Editor(SizedModel(), FakeDetector(), size)
    edited, (face,) = edit_photo(editor, photo, redder)
    assert face.pixels.shape == (side, side, 3)
    assert editor.model.asked == [side]
    assert edited.rgb.shape == pixels.shape


def test_faces_of_several_sizes_keep_their_order(photo):
    """Batches hold faces of one size, whatever photos they are from."""
    editor = Editor(SizedModel(), FakeDetector(), None)
    crops = [
        replace(editor, size=size).cut_out(photo, which)[0]
        for which, size in (("2", 16), ("1", 64), ("2", 64))
    ]
    edited = redraw(editor.encode(crops), [redder] * 3)
    assert [len(face.pixels) for face in edited] == [16, 64, 64]
    assert [face.crop.face.index for face in edited] == [2, 1, 2]
    assert editor.model.asked == [16, 64]


class KnowingModel(FakeModel):
    """Draws people between the quarters of the picture, and knows it."""

    def draw(self, codes, size=None, window=None):
        image = self.decode(codes, size)
        person = torch.zeros(len(image), 1, *image.shape[-2:])
        quarter = image.shape[-1] // 4
        person[..., quarter:-quarter] = 1
        return Drawn(image, person)


def test_what_recolours_a_person_may_go_on_unless_told_where(photo):
    editor = Editor(KnowingModel(), FakeDetector())
    faces = editor.encode(editor.cut_out(photo))[:1]
    [person] = redraw(faces, [redder])
    [hair] = redraw(faces, [redder], asked=Regions(only=("hair",)))
    assert (person.own.min(), person.own.max()) == (0, 1)
    assert torch.equal(person.own, hair.own)


def test_an_edit_of_a_grey_photo_is_grey(photo):
    grey = Photo(photo.pixels[..., :1].repeat(3, 2), None, photo.source)
    editor = Editor(FakeModel(), FakeDetector())
    [after, *_] = redraw(editor.encode(editor.cut_out(grey)), [redder] * 2)
    assert not np.array_equal(after.pixels, after.crop.pixels)
    assert not np.ptp(after.pixels, axis=2).any()


def test_what_a_mask_holds_or_nobody_knows_does_not_go_on(photo):
    editor = Editor(KnowingModel(), FakeDetector())
    faces = editor.encode(editor.cut_out(photo))[:1]
    everywhere = np.full(photo.pixels.shape[:2], 255, np.uint8)
    [masked] = redraw(faces, [redder], asked=Regions(mask=everywhere))
    [light] = redraw(faces, [replace(redder, scenic=True)])
    [unknown, *_] = redraw(Editor(FakeModel(), FakeDetector()).encode([faces[0].crop]), [redder])
    assert masked.own is None and light.own is None and unknown.own is None


def test_edits_of_a_person_leave_the_background_and_edits_of_light_do_not(photo):
    editor = Editor(KnowingModel(), FakeDetector())
    [encoded, *_] = editor.encode(editor.cut_out(photo))
    person, light = redraw([encoded] * 2, [redder, replace(redder, scenic=True)])
    side = len(person.pixels)
    outside = slice(0, side // 8)
    assert np.array_equal(person.pixels[:, outside], encoded.crop.pixels[:, outside])
    assert not np.array_equal(light.pixels[:, outside], encoded.crop.pixels[:, outside])
    middle = slice(3 * side // 8, 5 * side // 8)
    assert not np.array_equal(person.pixels[:, middle], encoded.crop.pixels[:, middle])
    assert np.abs(person.pixels[:, middle].astype(int) - light.pixels[:, middle]).max() <= 2


class ThriftyModel(KnowingModel):
    """Draws nothing but grey where nobody looks closely, and notes where people do."""

    def __init__(self) -> None:
        self.windows = []

    def draw(self, codes, size=None, window=None):
        self.windows.append(window)
        drawn = super().draw(codes, 64)
        if window is None:
            return drawn
        image = torch.zeros_like(drawn.image)
        window.core.of(image).copy_(window.core.of(drawn.image))
        return drawn._replace(image=image)


def test_an_edit_of_a_part_needs_a_window_around_it_alone(photo):
    model = ThriftyModel()
    editor = Editor(model, FakeDetector())
    flat = Photo(np.full((80, 80, 3), 99, np.uint8), None, photo.source)
    [encoded] = editor.encode(editor.cut_out(flat, "1"))
    box = (0.5, 0.25, 0.625, 0.5)
    [face] = redraw([encoded], [colour_shift(0.4, (box,))])
    [window] = model.windows
    core = window.core
    assert core.left < 32 and core.left + core.width > 40
    assert core.top < 16 and core.top + core.height > 32
    assert window.width < 32 and window.height < 40
    changed = (face.pixels != encoded.crop.pixels).any(2)
    assert changed[23:31, 34:38].all()
    rows, columns = np.nonzero(changed)
    assert core.left <= columns.min() and columns.max() < core.left + core.width
    assert core.top <= rows.min() and rows.max() < core.top + core.height


def test_each_edit_has_its_own_window_whatever_is_done_beside_it(photo):
    model = ThriftyModel()
    editor = Editor(model, FakeDetector())
    faces = editor.encode(editor.cut_out(photo))[:1] * 2
    edits = [redder, colour_shift(0.4, ((0.5, 0.25, 0.625, 0.5),))]
    together = redraw(faces, edits)
    assert [window is None for window in model.windows] == [True, False]
    for face, edit, result in zip(faces, edits, together, strict=True):
        [alone] = redraw([face], [edit])
        assert np.array_equal(result.pixels, alone.pixels)
        assert result.scores == alone.scores


class FickleModel(KnowingModel):
    """Takes people for background as soon as they get redder."""

    def draw(self, codes, size=None, window=None):
        drawn = super().draw(codes, size)
        redder = codes.styles[:, :, 0].mean(1) > self.limit
        return drawn._replace(person=drawn.person * ~redder[:, None, None, None])


@pytest.mark.parametrize(("slots", "changed"), [(range(3, 9), False), (range(5, 9), True)])
def test_colours_move_no_outline(photo, slots, changed):
    """Slots that act on 16 px or less may uncover the background; new hair colours may not."""
    model = FickleModel()
    editor = Editor(model, FakeDetector())
    # Two colours of one brightness, or the edit would have to stay in the photo's single tone.
    colours = np.array([[99, 99, 99], [113, 87, 123]], np.uint8)
    rows = colours[(np.arange(80) > 56).astype(int)]
    flat = Photo(rows[:, None].repeat(80, 1), None, photo.source)
    [encoded] = editor.encode(editor.cut_out(flat, "1"))
    model.limit = float(encoded.codes.styles[:, :, 0].mean()) + 0.01
    direction = torch.zeros(len(RESOLUTIONS), COLOURS)
    direction[list(slots), 0] = 0.4
    [face] = redraw([encoded], [Shift(direction)])
    middle = slice(28, 36)
    difference = face.pixels[middle, middle].astype(int) - encoded.crop.pixels[middle, middle]
    assert (np.abs(difference).max() > 10) == changed


def test_edits_that_share_a_photo_share_its_matte(photo, monkeypatch):
    asked = []

    def counted(faces, likely):
        asked.append(len(faces))
        return matte(faces, likely)

    monkeypatch.setattr("facemod.editing.corridor.matte", counted)
    editor = Editor(KnowingModel(), FakeDetector())
    redraw(editor.encode(editor.cut_out(photo)) * 2, [redder] * 4)
    assert asked == [1, 1]
