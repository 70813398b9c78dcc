import numpy as np

from facemod.imaging.sheet import side_by_side, tile, with_labels

RED, GREEN, GREY = (255, 0, 0), (0, 255, 0), (90, 90, 90)


def square(colour, height=10, width=10):
    return np.full((height, width, 3), colour, np.uint8)


def test_tiles_stand_in_rows():
    sheet = tile([square(RED), square(GREEN), square(RED)], columns=2, gap=4, background=GREY)
    assert sheet.shape == (24, 24, 3)
    assert (sheet[:10, :10] == RED).all()
    assert (sheet[:10, 14:] == GREEN).all()
    assert (sheet[14:, :10] == RED).all()
    assert (sheet[14:, 14:] == GREY).all()
    assert (sheet[:, 10:14] == GREY).all()


def test_smaller_pictures_are_centred_and_cells_may_be_empty():
    sheet = tile([None, square(GREEN, 6, 4), square(RED)], columns=3, gap=0, background=GREY)
    assert (sheet[:, :10] == GREY).all()
    assert (sheet[2:8, 13:17] == GREEN).all()
    assert (sheet[:, 10:20] == GREEN).all(axis=2).sum() == 24


def test_side_by_side():
    both = side_by_side(square(RED), square(GREEN), gap=2)
    assert both.shape == (10, 22, 3)
    assert (both[:, :10] == RED).all()
    assert (both[:, 12:] == GREEN).all()


def test_labels_stand_below_and_fit():
    picture = square(RED, 100, 200)
    short, long, empty = with_labels([picture] * 3, ["smile +1", "x" * 500, ""], background=GREY)
    assert short.shape == long.shape == empty.shape
    assert (short[:100] == RED).all()
    assert (short[100:] != GREY).any()
    assert (empty[100:] == GREY).all()
    ink = (long[100:] != GREY).any(axis=(0, 2))
    assert ink.sum() > 100
    assert np.array_equal(
        with_labels([picture], ["a\n b"], GREY)[0], with_labels([picture], ["a b"], GREY)[0]
    )


def test_labels_in_any_script_have_letters_of_the_font():
    picture = square(RED, 100, 200)
    accented, plain, foreign, question = with_labels(
        [picture] * 4, ["Zo\u00eb", "Zoe", "\u5199", "?"]
    )
    assert np.array_equal(accented, plain)
    assert np.array_equal(foreign, question)
