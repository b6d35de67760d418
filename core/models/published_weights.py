"""The ImageNet weights that Paddle publishes, fetched once and checked."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core import files
from core.config import Architecture
from core.errors import Message, ModelFileError
from core.events import Progress

_SECONDS: Final = 20.0  # without a byte
_CHUNK_BYTES: Final = 1 << 18
_MAX_BYTES: Final = 300_000_000  # that of the largest has 242 MB
_MAX_QUOTED: Final = 100  # characters of a foreign text in a sentence
_ADDRESS: Final = "https://paddle-hapi.bj.bcebos.com/models/{file}"


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """A file that Paddle publishes."""

    file: str  # its name, there and here
    url: str
    md5: str  # hexadecimal; the only checksum that Paddle publishes


# `model_urls` in paddle/vision/models/resnet.py of PaddlePaddle 3.3.
_MD5: Final[dict[Architecture, str]] = {
    "resnet18": "cf548f46534aa3560945be4b95cd11c4",
    "resnet34": "8d2275cf8706028345f78ac0e1d31969",
    "resnet50": "ca6f485ee1ab0492d38f323885b0ad80",
    "resnet101": "02f35f034ca3858e1e54d4036443c92d",
    "resnet152": "7ad16a2f1e7333859ff986138630fd7a",
}


def published(architecture: Architecture) -> PublishedWeights:
    """The file with the ImageNet weights of a network."""
    file = f"{architecture}.pdparams"
    return PublishedWeights(file, _ADDRESS.format(file=file), _MD5[architecture])


def download(architecture: Architecture, folder: Path) -> Iterator[Progress | Path]:
    """Fetch the published weights into a folder, unless they lie there already.

    Yields:
        Progress in bytes, and at last where the file is.

    Raises:
        ModelFileError: The network or the disk refused; which file to bring is told.
    """
    weights = published(architecture)
    path = folder / weights.file
    if not _is_there(path, weights):
        content = yield from _fetched(weights, path)
        if _md5(content).hexdigest() != weights.md5:
            raise _not_fetched(weights, path, Message("what came has the wrong checksum"))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files.write_bytes(path, content)
        except OSError as error:
            raise ModelFileError(
                Message(
                    "The weights could not be saved in {folder}: {reason}. "
                    "Free some space, or allow writing there.",
                    folder=str(folder),
                    reason=error.strerror or str(error),
                )
            ) from error
    yield path


def _fetched(weights: PublishedWeights, path: Path) -> Generator[Progress, None, bytes]:
    stage = Message("Fetching {file}", file=weights.file)
    chunks, n_bytes = [], 0
    try:
        with urllib.request.urlopen(weights.url, timeout=_SECONDS) as response:
            total = int(response.headers.get("Content-Length") or 0)
            while chunk := response.read(_CHUNK_BYTES):
                chunks.append(chunk)
                n_bytes += len(chunk)
                if n_bytes > _MAX_BYTES:
                    raise _not_fetched(weights, path, Message("what comes is too large"))
                yield Progress(stage, n_bytes, max(total, n_bytes))
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise _not_fetched(weights, path, _reason(error)) from error
    return b"".join(chunks)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause)[:_MAX_QUOTED]


def _is_there(path: Path, weights: PublishedWeights) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, _md5).hexdigest() == weights.md5
    except OSError:
        return False


def _md5(content: bytes = b"") -> "hashlib._Hash":
    # It guards against accidents only: the strict reader guards against ill will.
    return hashlib.md5(content, usedforsecurity=False)


def _not_fetched(weights: PublishedWeights, path: Path, reason: Message | str) -> ModelFileError:
    if path.exists():  # and was found wrong
        return ModelFileError(
            Message(
                "{file} in {folder} is not the file that Paddle publishes (its checksum differs), "
                "and {url} does not give another ({reason}). Download it again on any "
                "computer and put it there.",
                file=weights.file,
                folder=str(path.parent),
                url=weights.url,
                reason=reason,
            )
        )
    return ModelFileError(
        Message(
            "{file} could not be fetched: {reason}. Download {url} on any computer and put the "
            "file into {folder}; or train without initial weights.",
            file=weights.file,
            reason=reason,
            url=weights.url,
            folder=str(path.parent),
        )
    )
