"""Before torch is imported: how its threads will wait, and how it is imported quickly."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import MutableMapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

SPINS = 10_000
"""Turns of an idle loop, about a tenth of a millisecond, as long as most pauses are."""


def wait_idly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads that wait go to sleep soon. Works only before torch is imported.

    By default GNU OpenMP lets them burn their processors for some ten milliseconds. Where another
    program wants one of these, every step of a computation waits that long for it: pictures were
    seen to take ten times as long. What users ask for themselves stays.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(environment):
        environment["GOMP_SPINCOUNT"] = str(SPINS)


class ImportedAtOnce(MetaPathFinder):
    """Keeps Python's garbage collector out of the import of one package, wherever it happens.

    Importing torch makes a million objects that stay, and the collector would look through all of
    them again and again: that is a third of the time. Afterwards it never looks at them again.
    """

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The package's own spec, with the collector stopped around its execution."""
        if name != self.package:
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                gc.disable()
                try:
                    execute(module)
                finally:
                    gc.freeze()
                    gc.enable()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def import_quickly(package: str = "torch") -> None:
    """Let a package that is not imported yet be imported without the garbage collector."""
    if package not in sys.modules:
        sys.meta_path.insert(0, ImportedAtOnce(package))
