import ast
import contextlib
import hashlib
import http.server
import importlib.util
import re
import threading
from pathlib import Path

import pytest

from core import files
from core.config import ARCHITECTURES
from core.errors import ModelFileError
from core.events import Progress
from core.models import published_weights
from core.models.published_weights import PublishedWeights, download, published

CONTENT = bytes(range(256)) * 2000


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/missing.pdparams":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if self.path == "/cut.pdparams" else CONTENT)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


@pytest.fixture
def offer(monkeypatch):
    """Publish something else than Paddle does."""

    def publish(url, content=CONTENT):
        file = url.rpartition("/")[2]
        weights = PublishedWeights(file, url, hashlib.md5(content).hexdigest())
        monkeypatch.setattr(published_weights, "published", lambda _: weights)

    return publish


def refusal(folder):
    with pytest.raises(ModelFileError) as error:
        list(download("resnet18", folder))
    return str(error.value)


def test_addresses_and_checksums_are_those_in_paddles_sources():
    [package] = importlib.util.find_spec("paddle").submodule_search_locations
    source = Path(package, "vision", "models", "resnet.py").read_text(encoding="utf-8")
    table = re.search(r"model_urls\b[^=]*= (\{.*?\n\})", source, re.DOTALL).group(1)
    urls = ast.literal_eval(table)

    for architecture in ARCHITECTURES:
        weights = published(architecture)
        assert (weights.url, weights.md5) == urls[architecture]


def test_download_reports_bytes_and_ends_with_the_file(server, offer, tmp_path):
    offer(f"{server}/w.pdparams")

    *steps, path = download("resnet18", tmp_path / "weights")

    assert path == tmp_path / "weights" / "w.pdparams"
    assert path.read_bytes() == CONTENT
    assert all(isinstance(step, Progress) and step.total == len(CONTENT) for step in steps)
    assert steps[-1].done == len(CONTENT)


def test_a_file_that_was_brought_is_taken_without_a_network(offer, tmp_path):
    offer("http://127.0.0.1:1/w.pdparams")
    (tmp_path / "w.pdparams").write_bytes(CONTENT)

    assert list(download("resnet18", tmp_path)) == [tmp_path / "w.pdparams"]


def test_a_broken_file_is_replaced(server, offer, tmp_path):
    offer(f"{server}/w.pdparams")
    (tmp_path / "w.pdparams").write_bytes(b"half")

    list(download("resnet18", tmp_path))

    assert (tmp_path / "w.pdparams").read_bytes() == CONTENT


def test_without_a_network_a_sentence_says_what_to_bring_and_where_to_put_it(
    monkeypatch, offer, tmp_path
):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    offer("http://127.0.0.1:1/w.pdparams")

    said = refusal(tmp_path)
    assert "Download http://127.0.0.1:1/w.pdparams" in said
    assert f"put the file into {tmp_path}" in said

    (tmp_path / "w.pdparams").write_bytes(b"half")
    assert "w.pdparams in " in refusal(tmp_path)
    assert (tmp_path / "w.pdparams").read_bytes() == b"half"


@pytest.mark.parametrize(
    ("file", "reason"), [("missing", "HTTP 404"), ("cut", "wrong checksum"), ("w", "checksum")]
)
def test_what_comes_otherwise_than_published_is_not_kept(server, offer, tmp_path, file, reason):
    offer(f"{server}/{file}.pdparams", b"else" if file == "w" else CONTENT)

    assert reason in refusal(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_too_much_is_not_taken(server, offer, monkeypatch, tmp_path):
    monkeypatch.setattr(published_weights, "_MAX_BYTES", 100)
    offer(f"{server}/w.pdparams")

    assert "too large" in refusal(tmp_path)


def test_a_full_disk_is_told(server, offer, monkeypatch, tmp_path):
    def write(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_bytes", write)
    offer(f"{server}/w.pdparams")

    assert "No space left on device" in refusal(tmp_path)


def test_a_download_can_be_stopped_and_leaves_nothing(server, offer, tmp_path):
    offer(f"{server}/w.pdparams")

    with contextlib.closing(download("resnet18", tmp_path)) as steps:
        next(steps)

    assert list(tmp_path.iterdir()) == []
