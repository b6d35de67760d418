"""Linux and its kin: a desktop entry and a MIME type, as the freedesktop.org standards have them.

Desktop entries: https://specifications.freedesktop.org/desktop-entry/latest/; MIME types:
https://specifications.freedesktop.org/shared-mime-info/latest/; which program opens what:
https://specifications.freedesktop.org/mime-apps/latest/.
"""

import logging
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

from app.file_association.association import DONE, UNDONE, FileAssociationError, cannot_write
from app.file_association.command import ROOT, command
from app.file_association.exec_line import exec_line, value
from core.errors import Message
from core.files import write_bytes

log = logging.getLogger(__name__)
ENTRY = "pneumoscope.desktop"
TYPE = "application/x-pneumoscope-model"
GLOB = "*.safetensors"
_LIMIT_S = 60
_MIME = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="{TYPE}">
    <comment>Model weights</comment>
    <comment xml:lang="zh_CN">模型权重</comment>
    <glob pattern="{GLOB}"/>
  </mime-type>
</mime-info>
"""


class FreedesktopAssociation:
    """Keeps two files of its own, and its name in the user's list of preferred programs.

    Args:
        data: XDG_DATA_HOME.
        config: XDG_CONFIG_HOME.
        system: XDG_DATA_DIRS.
        command: The words that start the program; a callable, for it may raise.
    """

    def __init__(
        self,
        data: Path,
        config: Path,
        system: Sequence[Path] = (),
        command: Callable[[], list[str]] = command,
    ) -> None:
        self._entry = data / "applications" / ENTRY
        self._mime = data / "mime" / "packages" / "pneumoscope.xml"
        self._preferences = config / "mimeapps.list"
        self._globs = [folder / "mime" / "globs2" for folder in (data, *system)]
        self._command = command

    @classmethod
    def of_user(cls) -> Self:
        """Where the environment says, else where the base directory specification does."""
        listed = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        return cls(
            _folder("XDG_DATA_HOME", ".local/share"),
            _folder("XDG_CONFIG_HOME", ".config"),
            [Path(folder) for folder in listed.split(":") if folder.startswith("/")],
        )

    def is_registered(self) -> bool:
        """Whether this checkout is what is started, and no other program is preferred."""
        try:
            line = f"Exec={exec_line(self._command())}"
            entry = self._entry.read_text(encoding="utf-8").split("\n")
        except (OSError, ValueError, FileAssociationError):
            return False
        if line not in entry or not self._mime.is_file():
            return False
        types = self._types()
        return {names[0] for kind, names in self._defaults() if kind in types} <= {ENTRY}

    def register(self) -> Message:
        types = self._types()
        self._write(self._mime, _MIME)
        self._write(self._entry, self._entry_text(types))
        if missed := [*self._missed_updates(), *_failed("xdg-mime", "default", ENTRY, *types)]:
            raise FileAssociationError(
                Message(
                    "PneumoScope is registered, but the file manager may not notice, because this "
                    "is missing or failed: {tools}. Install the packages shared-mime-info, "
                    "desktop-file-utils and xdg-utils, then switch the entry off and on again.",
                    tools=", ".join(missed),
                )
            )
        return DONE

    def unregister(self) -> Message:
        try:
            for file in (self._entry, self._mime):
                file.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(error.filename, error) from error
        self._forget_preference()
        self._missed_updates()  # harmless: a program that is gone is not offered
        return UNDONE

    def _entry_text(self, types: Sequence[str]) -> str:
        lines = (
            "[Desktop Entry]",
            "Type=Application",
            "Version=1.0",
            "Name=PneumoScope",
            "Comment=Train and question a ResNet on chest X-rays; research and teaching only",
            "Comment[zh_CN]=用胸片训练并检验 ResNet；仅供科研与教学",
            f"Exec={exec_line(self._command())}",
            f"Icon={value(str(ROOT / 'resources' / 'icons' / 'pneumoscope.svg'))}",
            "Terminal=false",
            "Categories=Science;ArtificialIntelligence;",
            f"MimeType={';'.join(types)};",
        )
        return "\n".join(lines) + "\n"

    def _types(self) -> list[str]:
        """Our type for model files, and the types that others gave them: any may win."""
        types = {TYPE: None}
        for file in self._globs:
            for line in _lines(file):
                _, kind, glob, *_ = [*line.split(":"), "", ""]  # weight:type:glob[:flags]
                if glob.lower() == GLOB:
                    types[kind] = None
        return list(types)

    def _defaults(self) -> Iterator[tuple[str, list[str]]]:
        """The user's preferences: a type, and the desktop entries to try for it."""
        section = ""
        for line in _lines(self._preferences):
            if line.startswith("["):
                section = line.strip()
            elif section == "[Default Applications]" and "=" in line:
                kind, _, names = line.partition("=")
                yield kind.strip(), [name.strip() for name in names.split(";")]

    def _forget_preference(self) -> None:
        """Take our name, and nothing else, out of the user's preferences."""
        file = self._preferences.resolve()  # it may be a link into a folder of settings
        try:
            before = file.read_bytes()
        except OSError:
            return
        after = [_without_us(line) for line in before.splitlines(keepends=True)]
        if (text := b"".join(after)) != before:
            self._write_bytes(file, text)

    def _write(self, file: Path, text: str) -> None:
        try:
            content = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise FileAssociationError(
                Message(
                    "The folder of PneumoScope has a name that is no proper text ({folder}). "
                    "Rename it, then try again.",
                    folder=ascii(str(ROOT)),
                )
            ) from error
        self._write_bytes(file, content)

    def _write_bytes(self, file: Path, content: bytes) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(file, content)
        except OSError as error:
            raise cannot_write(file, error) from error

    def _missed_updates(self) -> list[str]:
        """Have the system's indices made anew; the tools that are missing or failed."""
        mime, entries = str(self._mime.parents[1]), str(self._entry.parent)
        return [
            *_failed("update-mime-database", mime),
            *_failed("update-desktop-database", entries),
        ]


def _folder(variable: str, default: str) -> Path:
    """The folder that `variable` names; the standard has relative ones ignored."""
    chosen = os.environ.get(variable, "")
    return Path(chosen) if chosen.startswith("/") else Path.home() / default


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _without_us(line: bytes) -> bytes:
    """A line of mimeapps.list without our desktop entry; empty where nothing else was in it."""
    kind, equals, names = line.partition(b"=")
    listed = [name for name in names.strip().split(b";") if name.strip()]
    others = [name for name in listed if name.strip() != ENTRY.encode()]
    if len(others) == len(listed):
        return line
    end = line[len(line.rstrip(b"\r\n")) :]
    return kind + equals + b"".join(name + b";" for name in others) + end if others else b""


def _failed(tool: str, *words: str) -> list[str]:
    """Run a tool of the desktop's; its name where it is missing or fails."""
    try:
        subprocess.run(
            [tool, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("%s: %s %s", tool, error, getattr(error, "stderr", ""))
        return [tool]
    return []
