"""The list kept beside unpacked files, so that an archive is unpacked once only."""

import json
from pathlib import Path
from typing import get_args

from core import atomic_file
from core.data.unpacked import SourceFile, Unpacked
from core.errors import Message, Refusal, RefusalKind

INDEX_VERSION = 2  # raise it when another rule would keep other files
_INDEX = "index.json"
_KINDS: tuple[RefusalKind, ...] = get_args(RefusalKind)


def write_index(content: Unpacked) -> None:
    """Write down what lies in `content.folder`.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    values = {
        "version": INDEX_VERSION,
        "files": [
            [file.name, file.path.name, file.path.stat().st_size, file.digest]
            for file in content.files
        ],
        "left_out": [
            [refusal.file, refusal.reason.template, refusal.reason.values, refusal.kind]
            for refusal in content.left_out
        ],
    }
    atomic_file.write_text(content.folder / _INDEX, json.dumps(values, ensure_ascii=False))


def read_index(folder: Path) -> Unpacked | None:
    """What was unpacked into `folder`, or None where that is incomplete or of another version."""
    try:
        values = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        if values["version"] != INDEX_VERSION:
            return None
        files = []
        for name, file_name, n_bytes, digest in values["files"]:
            path = folder / Path(file_name).name
            if path.stat().st_size != n_bytes:
                return None
            files.append(SourceFile(name, path, digest))
        left_out = [
            Refusal(name, Message(template, **fields), _KINDS[_KINDS.index(kind)])
            for name, template, fields, kind in values["left_out"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Unpacked(folder, tuple(files), tuple(left_out))
