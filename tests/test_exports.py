"""What the package offers: every name is there, and type checkers see the same ones."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import facemod

STUB = ast.parse(Path(facemod.__file__).with_suffix(".pyi").read_text())
SEEN = {
    alias.asname: node.module
    for node in STUB.body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}


@pytest.mark.parametrize("name", facemod._EXPORTS)
def test_a_name_is_what_its_module_defines(name):
    assert getattr(facemod, name) is getattr(importlib.import_module(SEEN[name]), name)


def test_type_checkers_see_all_of_them():
    assert SEEN == facemod._EXPORTS


def test_others_are_no_attributes():
    with pytest.raises(AttributeError, match="no attribute 'smile'"):
        _ = facemod.smile
