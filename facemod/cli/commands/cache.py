"""``facemod cache``: what --fidelity refine and adapt have learnt of photos."""

from __future__ import annotations

from dataclasses import asdict

from facemod.cli.options import Printing
from facemod.cli.result import Result, Table


def cache_info(printing: Printing) -> Result:
    """Show where fits to photos are kept, and how much room they take."""
    from facemod.fidelity.store import fit_store

    usage = fit_store().usage()
    rows = [
        ("folder", usage.folder),
        ("fits", str(usage.fits)),
        ("size", f"{usage.bytes / 1e6:.1f} MB of at most {usage.limit / 1e6:.0f} MB"),
    ]
    return Result("cache info", data=asdict(usage), table=Table(("fact", "value"), rows))


def cache_clear(printing: Printing) -> Result:
    """Remove all fits; the next --fidelity adapt of a photo takes its time again."""
    from facemod.fidelity.store import fit_store

    before = fit_store().clear()
    words = f"{before.fits} fits removed ({before.bytes / 1e6:.1f} MB)"
    return Result("cache clear", data=asdict(before), messages=(words,))
