"""What is quoted here is taken apart again by other people's programs."""

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.file_association.exec_line import exec_line, value

NASTY = [
    "plain",
    "a b  c",
    "胸片 模型",
    'say "hello"',
    "it's",
    "$HOME and ${HOME} and $(id) and `id`",
    "back\\slash \\n \\\\ \\s \\",
    "100 % of %F, %%, %u",
    "*?#~|&;<>()[]{}!",
    "tab\there",
    "new\nline",
    "-n",
    "key=value",
    " space first",
]


def unescaped(text: str) -> str:
    """A value of a desktop entry as its reader has it."""
    plain, letters = "", iter(text)
    for letter in letters:
        plain += {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}[next(letters)] if (
            letter == "\\"
        ) else letter  # fmt: skip
    return plain


@pytest.mark.parametrize("text", NASTY)
def test_a_value_is_one_line_and_reads_as_it_was(text: str) -> None:
    assert "\n" not in value(text)
    assert not value(text).startswith(" ")
    assert unescaped(value(text)) == text


@pytest.mark.skipif(os.name != "posix", reason="there is no such shell")
@pytest.mark.parametrize("word", NASTY)
def test_a_shell_finds_the_same_words_between_the_quotes(word: str) -> None:
    line = unescaped(exec_line(["printf", r"%s\0", word, "last"]))
    words = line.removesuffix(" %F").replace("%%", "%")  # the field codes go last
    done = subprocess.run(["/bin/sh", "-c", words], capture_output=True, check=True)
    assert done.stdout.decode().split("\0") == [word, "last", ""]


@pytest.mark.skipif(shutil.which("gio") is None, reason="GLib's launcher is not installed")
@pytest.mark.parametrize("name", [*NASTY[1:], "of = interpreter/here"])
def test_a_desktop_starts_a_program_in_any_folder_with_any_file(tmp_path: Path, name: str) -> None:
    folder, said = tmp_path / name.strip(), tmp_path / "said"
    folder.mkdir(parents=True)
    main, python = folder / "main.py", folder / "python"
    python.symlink_to(sys.executable)
    main.write_text(f"import sys; open({str(said)!r}, 'w').write(repr(sys.argv))", "utf-8")
    files = [folder / "一 model.safetensors", folder / 'two "$x".safetensors']
    for file in files:
        file.touch()
    entry = tmp_path / "entry.desktop"
    command = exec_line([str(python), "-S", str(main)])
    entry.write_text(f"[Desktop Entry]\nType=Application\nName=x\nExec={command}\n", "utf-8")
    os.mkfifo(said)
    ear = os.open(said, os.O_RDONLY | os.O_NONBLOCK)
    try:
        subprocess.run(["gio", "launch", entry, *files], check=True, timeout=60)
        assert select.select([ear], [], [], 60)[0], "nothing was started"
        assert os.read(ear, 65536).decode() == repr([str(main), *map(str, files)])
    finally:
        os.close(ear)
