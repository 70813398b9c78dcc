"""Memory that is freed and needed again at once.

Pictures and feature maps are tens of megabytes each. By default glibc gives such blocks back to
the system as soon as they are free, and gets them anew, page by page and filled with zeros, a
moment later: on some machines that takes a third of all time.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

# The names that <malloc.h> has for these numbers.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGE = 2**30


def keep_freed_memory() -> None:
    """Let this process keep freed blocks below 1 GB for itself. Only glibc knows how."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, LARGE)
        libc.mallopt(M_TRIM_THRESHOLD, LARGE)
