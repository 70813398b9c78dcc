import errno
import os
from pathlib import Path

import pytest

from facemod.errors import OutputError, OutputExistsError
from facemod.files.atomic import atomic_path, write_bytes


def test_the_file_appears_at_the_end_only(tmp_path):
    path = tmp_path / "new" / "folder" / "out.png"
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".")
        assert temporary.suffix == ".png"
    assert path.read_bytes() == b"half"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_fault_leaves_everything_as_it_was(tmp_path, fault, overwrite):
    path = tmp_path / "out.png"
    if overwrite:
        path.write_bytes(b"old")
    with pytest.raises(fault), atomic_path(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(b"half")
        raise fault
    assert list(tmp_path.iterdir()) == ([path] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"old"


def test_taken_places_are_refused_before_work(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    words = r"--overwrite .* --skip-existing"
    with pytest.raises(OutputExistsError, match=words), atomic_path(path):
        pytest.fail("must not start")
    write_bytes(b"new", path, overwrite=True)
    assert path.read_bytes() == b"new"


def test_someone_faster_is_not_overwritten(tmp_path):
    path = tmp_path / "out.png"
    with pytest.raises(OutputExistsError), atomic_path(path) as temporary:
        temporary.write_bytes(b"ours")
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_file_systems_without_hard_links(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    write_bytes(b"data", tmp_path / "out.png")
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
    with pytest.raises(OutputExistsError), atomic_path(tmp_path / "other.png") as temporary:
        temporary.write_bytes(b"ours")
        (tmp_path / "other.png").write_bytes(b"theirs")
    assert (tmp_path / "other.png").read_bytes() == b"theirs"


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        write_bytes(b"", tmp_path, overwrite=True)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "no permission to write in"),
        (errno.EACCES, "choose another place with -o"),
        (errno.EIO, "cannot be written"),
    ],
)
def test_disk_errors_in_words(tmp_path, monkeypatch, number, words):
    path = tmp_path / "out.png"

    def fail(*args):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=words) as caught:
        write_bytes(b"data", path)
    assert str(caught.value).startswith(str(path))
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        write_bytes(b"", tmp_path / "file" / "out.png")


@pytest.mark.skipif(os.name == "nt", reason="needs Unix permissions")
def test_permissions(tmp_path):
    old = tmp_path / "old.png"
    old.write_bytes(b"")
    old.chmod(0o600)
    write_bytes(b"new", old, overwrite=True)
    assert old.stat().st_mode & 0o777 == 0o600
    mask = os.umask(0o022)
    try:
        write_bytes(b"new", tmp_path / "new.png")
    finally:
        os.umask(mask)
    assert Path(tmp_path / "new.png").stat().st_mode & 0o777 == 0o644
