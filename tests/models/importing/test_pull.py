"""Fetching published models: resumed, checked, refused; from a server that cuts and lies."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import published
import pytest
import torch

from facemod.errors import ModelError, OutputError, OutputExistsError, UsageError
from facemod.files.folders import models_folder
from facemod.models.importing import download as downloads
from facemod.models.importing import pull as pulls
from facemod.models.importing.download import download
from facemod.models.importing.pull import pull
from facemod.models.registry import load_model
from facemod.models.store import read_json, stored_models

DATA = bytes(range(256)) * 4000


class Server:
    """One file, and how the next answers go wrong: a number of bytes to send, or a status."""

    def __init__(self) -> None:
        self.data = DATA
        self.etag = '"first"'
        self.troubles: list[int] = []
        self.ranges: list[str | None] = []
        self.knows_ranges = True
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *words: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None and 400 <= trouble < 600:
            request.send_error(trouble)
            return
        start = 0
        if asked and self.knows_ranges and request.headers.get("If-Range") == self.etag:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
        if start >= len(self.data):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(self.data)}")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(self.data) - start))
        if start:
            end = len(self.data) - 1
            request.send_header("Content-Range", f"bytes {start}-{end}/{len(self.data)}")
        request.end_headers()
        stop = len(self.data) if trouble is None else start + trouble
        request.wfile.write(self.data[start:stop])


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, daemon=True)
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def fetch(server: Server, tmp_path: Path) -> Callable[..., Path]:
    def fetched(**settings: float) -> Path:
        download(f"{server.url}/x", tmp_path / "x", lambda *_: None, pause=0, **settings)
        return tmp_path / "x"

    return fetched


class TestDownload:
    def test_the_whole_file(self, server, tmp_path):
        seen = []
        download(f"{server.url}/x", tmp_path / "x", lambda *there: seen.append(there))
        assert (tmp_path / "x").read_bytes() == DATA
        assert (seen[0], seen[-1]) == ((0, len(DATA)), (len(DATA), len(DATA)))
        assert [path.name for path in tmp_path.iterdir()] == ["x"]

    def test_cuts_are_gone_on_from(self, server, fetch):
        server.troubles = [300_000, 399, 1_000]
        assert fetch().read_bytes() == DATA
        assert server.ranges == [None, "bytes=300000-", "bytes=300399-", "bytes=301399-"]

    def test_a_later_run_goes_on(self, server, fetch, tmp_path):
        server.troubles = [200_000, 503, 503]
        with pytest.raises(ModelError, match=r"0\.2 MB arrived and are kept"):
            fetch(attempts=2)
        assert not (tmp_path / "x").exists()
        assert fetch().read_bytes() == DATA
        assert server.ranges[-1] == "bytes=200000-"

    def test_a_file_that_changed_meanwhile_is_fetched_anew(self, server, fetch):
        server.troubles = [200_000, 503]
        with pytest.raises(ModelError):
            fetch(attempts=1)
        server.data, server.etag = DATA[::-1], '"second"'
        assert fetch().read_bytes() == DATA[::-1]

    def test_a_server_without_ranges(self, server, fetch):
        server.knows_ranges, server.troubles = False, [200_000]
        assert fetch().read_bytes() == DATA

    def test_a_server_without_strong_tags_is_not_asked_for_parts(self, server, fetch):
        server.etag, server.troubles = 'W/"weak"', [200_000]
        assert fetch().read_bytes() == DATA
        assert server.ranges == [None, None]

    def test_all_was_there_already(self, server, fetch, tmp_path):
        (tmp_path / "x.part").write_bytes(DATA)
        (tmp_path / "x.part.etag").write_text(server.etag)
        assert fetch().read_bytes() == DATA

    def test_more_was_there_than_there_is(self, server, fetch, tmp_path):
        (tmp_path / "x.part").write_bytes(DATA + b"more")
        (tmp_path / "x.part.etag").write_text(server.etag)
        assert fetch().read_bytes() == DATA

    def test_a_busy_server_is_asked_again(self, server, fetch):
        server.troubles = [503, 429, 500]
        assert fetch().read_bytes() == DATA

    def test_a_missing_file_is_not(self, server, fetch):
        server.troubles = [404, 404]
        with pytest.raises(ModelError, match="the server says 404"):
            fetch()
        assert len(server.ranges) == 1

    def test_offline(self, server, tmp_path):
        url = "http://127.0.0.1:9/x"
        with pytest.raises(ModelError, match=r"cannot fetch .*models import FILE"):
            download(url, tmp_path / "x", lambda *_: None, pause=0, attempts=2)

    def test_a_server_that_says_nothing(self, tmp_path):
        import socket

        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
            with pytest.raises(ModelError, match="timed out"):
                download(url, tmp_path / "x", lambda *_: None, timeout=0.2, pause=0, attempts=1)

    def test_a_small_disk(self, fetch, monkeypatch):
        free = SimpleNamespace(free=1000)
        monkeypatch.setattr(downloads.shutil, "disk_usage", lambda folder: free)
        with pytest.raises(OutputError, match="1 MB are to come and 0 MB are free"):
            fetch()

    def test_a_folder_that_cannot_be_written(self, server, tmp_path):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(OutputError, match="cannot be written"):
            download(f"{server.url}/x", tmp_path / "file" / "x", lambda *_: None)


def as_bytes(content: object) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


@pytest.fixture
def zenodo(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("FACEMOD_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(pulls, "RECORD", server.url)
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    server.data = as_bytes(published.checkpoint("automodulator"))
    return server


def silent(done: int, total: int) -> None:
    pass


class TestPull:
    def test_a_published_model_becomes_one_of_ours(self, zenodo):
        zenodo.troubles = [50_000]
        facts = pull("ffhq512", silent).facts
        assert (facts["name"], facts["family"], facts["images_seen"]) == (
            "ffhq512", "automodulator", 42_420_000,
        )  # fmt: skip
        assert load_model("ffhq512").info.resolution == 32
        record = stored_models()["ffhq512"].record()
        assert record["origin"]["url"].endswith("/42420000_state.pth?download=1")
        assert not list(models_folder().glob("downloads/*"))

    def test_the_same_file_is_welcome_again(self, zenodo):
        pull("ffhq512", silent)
        with pytest.raises(OutputExistsError, match="--overwrite fetches it again"):
            pull("ffhq512", silent)
        pull("ffhq512", silent, overwrite=True)

    def test_another_file_is_refused(self, zenodo):
        pull("ffhq512", silent)
        before = stored_models()["ffhq512"].path.read_bytes()
        zenodo.data = as_bytes(published.checkpoint("automodulator", seed=7))
        with pytest.raises(ModelError, match="not the one that was first used here"):
            pull("ffhq512", silent, overwrite=True)
        assert stored_models()["ffhq512"].path.read_bytes() == before
        assert len(read_json(models_folder() / "downloads.json")) == 1

    def test_rubbish_is_not_kept(self, zenodo):
        zenodo.data = b"<html>this is no model</html>"
        with pytest.raises(ModelError, match=r"34740000_state\.pth: not a checkpoint"):
            pull("ffhq256", silent)
        zenodo.data = as_bytes(published.checkpoint("automodulator"))
        assert pull("ffhq256", silent).facts["name"] == "ffhq256"

    def test_what_was_never_published(self, zenodo):
        with pytest.raises(UsageError, match="there is ffhq512, ffhq256, celebahq256"):
            pull("stylegan", silent)
