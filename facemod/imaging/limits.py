"""How large photos may be. Imports nothing, because every command line asks."""

from __future__ import annotations

MAX_MEGAPIXELS = 200.0
