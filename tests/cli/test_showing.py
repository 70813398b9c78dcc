"""``--open`` and ``--show``: results in the desktop's viewer, or in the terminal."""

from __future__ import annotations

import builtins
import sys

import pytest
import typer

from facemod.cli import render, showing


@pytest.fixture
def opened(monkeypatch):
    """What the desktop was asked to show."""
    places = []
    monkeypatch.setattr(typer, "launch", lambda place: places.append(place) or 0)
    monkeypatch.setattr(showing, "_has_desktop", lambda: True)
    return places


@pytest.fixture
def drawn(monkeypatch):
    """What was drawn in a terminal."""
    pytest.importorskip("textual_image")
    pictures = []
    monkeypatch.setattr(showing, "is_terminal", lambda: True)
    monkeypatch.setattr(render, "picture", pictures.append)
    return pictures


def test_one_result_is_opened_and_of_several_their_folder(run, photo, workplace, opened):
    photo("photos/a.png"), photo("photos/b.png")
    assert run("edit", "photos/a.png", "--smile", 1, "-o", "a.png", "--open").code == 0
    assert run("edit", "photos", "--smile", 1, "-o", "out", "--open").code == 0
    assert run("presets", "gallery", "smile", "--size", 32, "--open").code == 0
    assert run("edit", "photos/a.png", "--smile", 1, "-o", "c.png").code == 0
    assert opened == [str(workplace / name) for name in ("a.png", "out", "gallery.html")]


def test_nothing_is_opened_where_nothing_was_made(run, photo, opened):
    assert run("edit", photo("a.png", faces=0), "--smile", 1, "--open").code == 4
    assert opened == []


def test_without_a_desktop_the_result_is_there_all_the_same(run, photo, monkeypatch, workplace):
    monkeypatch.setattr(sys, "platform", "linux")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    ended = run("edit", photo("a.png"), "--smile", 1, "-o", "b.png", "--open")
    assert ended.code == 0
    assert "no desktop" in ended.err
    assert (workplace / "b.png").is_file()


def test_pictures_are_drawn_in_terminals(run, photo, drawn):
    for i in range(showing.MOST + 2):
        photo(f"photos/{i}.png")
    assert run("edit", "photos/1.png", "--smile", 1, "-o", "a.png", "--show").code == 0
    assert len(drawn) == 1
    ended = run("edit", "photos", "--smile", 1, "-o", "out", "--show")
    assert len(drawn) == 1 + showing.MOST
    assert "2 more" in ended.err


def test_films_are_not_drawn(run, photo, drawn):
    photos = [photo("a.png"), photo("b.png")]
    ended = run("morph", *photos, "--seconds", 1, "--fps", 5, "-o", "m.mp4", "--show")
    assert (ended.code, drawn) == (0, [])
    assert "m.mp4 is no picture" in ended.err


@pytest.mark.parametrize(
    ("words", "why"), [((), "stdout is no terminal"), (("--json",), "stdout is for machines")]
)
def test_where_nothing_can_be_drawn(run, photo, words, why):
    ended = run("edit", photo("a.png"), "--smile", 1, "-o", "b.png", "--show", *words)
    assert ended.code == 0
    assert why in ended.err


def test_a_terminal_that_cannot_be_drawn_in_costs_nothing_else(run, photo, drawn, monkeypatch):
    def picture(renderable):
        raise ZeroDivisionError("a terminal without columns")

    monkeypatch.setattr(render, "picture", picture)
    ended = run("edit", photo("a.png"), "--smile", 1, "-o", "b.png", "--show")
    assert ended.code == 0
    assert "cannot be drawn in" in ended.err
    assert "Traceback" not in ended.err


def test_the_extra_is_named(run, photo, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("textual_image"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(showing, "is_terminal", lambda: True)
    monkeypatch.setattr(builtins, "__import__", without)
    ended = run("edit", photo("a.png"), "--smile", 1, "-o", "b.png", "--show")
    assert ended.code == 0
    assert "facemod[show]" in ended.err
