"""What is settled before torch is imported."""

from __future__ import annotations

import gc
import importlib
import sys

import pytest

from facemod.tensors.starting import SPINS, import_quickly, wait_idly


def test_threads_sleep_soon():
    environment = {"HOME": "/home/me"}
    wait_idly(environment)
    assert environment == {"HOME": "/home/me", "GOMP_SPINCOUNT": str(SPINS)}


@pytest.mark.parametrize("own", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "infinity"}])
def test_what_users_ask_for_stays(own):
    environment = dict(own)
    wait_idly(environment)
    assert environment == own


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that notes whether the collector watches its import."""
    name = "imported_at_once"
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / f"{name}.py"
    sys.modules.pop(name, None)
    sys.meta_path[:] = [finder for finder in sys.meta_path if not hasattr(finder, "package")]
    gc.unfreeze()


def test_the_collector_does_not_watch_the_import(package):
    package.write_text("import gc\nwatched = gc.isenabled()\n")
    before = gc.get_freeze_count()
    finders = list(sys.meta_path)
    import_quickly(package.stem)
    assert importlib.import_module(package.stem).watched is False
    assert gc.isenabled()
    assert gc.get_freeze_count() > before
    assert sys.meta_path == finders


def test_it_watches_again_when_the_import_fails(package):
    package.write_text("raise ValueError('broken')\n")
    import_quickly(package.stem)
    with pytest.raises(ValueError, match="broken"):
        importlib.import_module(package.stem)
    assert gc.isenabled()


def test_what_is_imported_already_needs_nothing():
    finders = list(sys.meta_path)
    import_quickly("json")
    assert sys.meta_path == finders


def test_a_missing_package_is_missing_as_ever():
    import_quickly("no_such_package")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_package")
