"""Fetching the published automodulators from where their authors put them."""

from __future__ import annotations

from facemod.errors import OutputExistsError, UsageError
from facemod.files.digests import sha256_of
from facemod.files.folders import models_folder
from facemod.models.importing.convert import Imported, import_file
from facemod.models.importing.download import Report, download
from facemod.models.importing.releases import RECORD, RELEASES
from facemod.models.store import place_for, refuse_changed, remember


def pull(name: str, report: Report, *, overwrite: bool = False) -> Imported:
    """Fetch a published model, check that it is what it was at the first time, and convert it.

    Raises:
        UsageError: nothing of this name was published.
        OutputExistsError: it is installed already.
        ModelError: it cannot be fetched, has changed since its first use, or is damaged.
    """
    if name not in RELEASES:
        raise UsageError(f"{name}: not published; there is {', '.join(RELEASES)}")
    if place_for(name).path.exists() and not overwrite:
        raise OutputExistsError(f"{name} is installed already; --overwrite fetches it again")
    file = RELEASES[name].file
    url = f"{RECORD}/{file}?download=1"
    fetched = models_folder() / "downloads" / file
    if not fetched.exists():
        download(url, fetched, report)
    try:
        digest = sha256_of(fetched)
        refuse_changed(file, digest)
        imported = import_file(fetched, name, url=url, overwrite=overwrite)
        remember(file, digest)
        return imported
    finally:
        # Converted or refused, nobody needs it any more, and it is large.
        fetched.unlink(missing_ok=True)
