"""JSON files of our own that carry a checksum, so that damage is found when they are read.

A file is `{"sha256": "DIGEST", "content": TEXT}`: the digest is that of the bytes of TEXT, and
everything around TEXT is compared byte for byte. No single changed bit goes unnoticed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from core import files

MAX_BYTES: Final = 1 << 28  # the headers of a million films fit
_BEGIN, _MIDDLE, _END = b'{"sha256": "', b'", "content": ', b"}\n"


def write_sealed(path: Path, content: Any) -> None:
    """Replace `path` by `content` and its checksum, whole or not at all.

    Args:
        path: Where to write.
        content: JSON types; texts may hold bytes that are no text (surrogates).

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    text = json.dumps(content).encode("ascii")
    files.write_bytes(path, b"".join((_BEGIN, _digest(text), _MIDDLE, text, _END)))


def read_sealed(path: Path) -> Any:
    """Return what `write_sealed` wrote.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is damaged, was changed, or is another file.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("too large")
    file = path.read_bytes()
    begin = len(_BEGIN) + 2 * hashlib.sha256().digest_size + len(_MIDDLE)
    text = file[begin : -len(_END)]
    if file != b"".join((_BEGIN, _digest(text), _MIDDLE, text, _END)):
        raise ValueError("its checksum is wrong")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode("ascii")
