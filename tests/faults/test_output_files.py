"""What is named as an output file is written through, replaced whole, or refused."""

import csv
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.errors import RunFolderError
from core.files import FileKind, check_replaceable, json_text, write_csv, write_user_file

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


@posix
def test_a_device_gets_the_content_and_stays_a_device() -> None:
    write_user_file(Path(os.devnull), b"x" * 100_000)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@posix
def test_a_pipe_gets_the_content_and_one_without_a_reader_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_user_file(pipe, b"x")
    got: list[bytes] = []
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    with os.fdopen(reading, "rb") as file:
        reader = threading.Thread(target=lambda: got.append(file.read()))
        content = bytes(range(256)) * 1000  # more than a pipe holds
        keep = os.open(pipe, os.O_WRONLY)
        reader.start()
        write_user_file(pipe, content)
        os.close(keep)
        reader.join()
    assert got == [content]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix
def test_a_socket_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        with pytest.raises(RunFolderError, match="a device or a socket"):
            write_user_file(place, b"x")
    assert stat.S_ISSOCK(place.lstat().st_mode)


@posix
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_is_written_through(tmp_path: Path, is_there: bool) -> None:
    target, link = tmp_path / "far" / "table.csv", tmp_path / "link.csv"
    target.parent.mkdir()
    if is_there:
        target.write_bytes(b"old")
        target.chmod(0o600)
    link.symlink_to("far/table.csv")
    write_user_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    if is_there:
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["table.csv"]


@posix
def test_a_link_in_a_circle_and_a_folder_are_refused(tmp_path: Path) -> None:
    circle = tmp_path / "circle"
    circle.symlink_to("circle")
    for place in (circle, tmp_path):
        with pytest.raises(RunFolderError, match="cannot be written"):
            write_user_file(place, b"x")
    assert circle.is_symlink()


@posix
def test_a_shell_keeps_the_file_that_it_redirects_to(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from core.files import write_user_file\n"
        "print('first', flush=True); write_user_file(Path('/dev/stdout'), b'second\\n')"
    )
    with (tmp_path / "out").open("ab") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert (tmp_path / "out").read_bytes() == b"first\nsecond\n"


@pytest.mark.parametrize(
    ("kind", "content", "is_refused"),
    [
        ("csv", b"\x89PNG\r\n\x1a\n", True),
        ("csv", b"notes of my own", True),
        ("csv", b"", False),
        ("csv", b"\xef\xbb\xbffile,class\r\n", False),
        ("pdf", b"\xef\xbb\xbffile,class\r\n", True),
        ("pdf", b"%PDF-1.3", False),
        ("onnx", b"PK\x03\x04", True),
    ],
)
def test_a_file_of_another_kind_is_not_written_over(
    kind: FileKind, content: bytes, is_refused: bool, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    check_replaceable(place, kind)  # not there
    place.write_bytes(content)
    if not is_refused:
        check_replaceable(place, kind)
        return
    with pytest.raises(RunFolderError, match=r"another kind of file\. .* --force"):
        check_replaceable(place, kind)


def test_every_cell_is_one_line_that_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", [["a\x1b[31m\x07\n\u202eb", "\u2028\udcff", "肺部 é", "=1\r"]])
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            [r"a\x1b[31m\x07\n\u202eb", r"\u2028\xff", "肺部 é", r"'=1\r"]
        ]


def test_json_for_people_holds_no_such_character_and_is_read_back_as_it_was() -> None:
    values = {"file": "a\x1b\n\u202e\x9b\u2028\udcff肺 é\U000e0041", "n": [1, 2]}
    text = json_text(values)
    assert text.replace("\n", "").isprintable()
    assert "肺 é" in text
    assert json.loads(text) == values
