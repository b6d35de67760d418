"""Windows: the part of the registry that belongs to the user alone.

https://learn.microsoft.com/windows/win32/shell/fa-file-types and .../fa-progids.
"""

import ctypes
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from app.file_association.association import DONE, UNDONE, FileAssociationError, cannot_write
from app.file_association.command import command
from core.errors import Message

PROGID = "PneumoScope.Model"
CLASSES = r"Software\Classes"
ENDING = rf"{CLASSES}\.safetensors"
# What the user chose in Windows' own window goes before all else, and only Windows may write it.
CHOICE = r"Software\Microsoft\Windows\CurrentVersion\Explorer\FileExts\.safetensors\UserChoice"
_OURS = rf"{CLASSES}\{PROGID}"
_COMMAND = rf"{_OURS}\shell\open\command"
_OFFERS = rf"{ENDING}\OpenWithProgids"
_BEFORE = "OpenedBefore"  # who opened the files before us, to be given back
_CHANGED = 0x08000000  # SHCNE_ASSOCCHANGED


class WindowsAssociation:
    """Keeps one key of its own, and its name beside the ending of model files.

    Args:
        registry: The module `winreg`.
        notify: Tells the desktop to look again.
        command: The words that start the program; a callable, for it may raise.
    """

    def __init__(
        self,
        registry: Any,
        notify: Callable[[], None],
        command: Callable[[], list[str]] = command,
    ) -> None:
        self._registry, self._notify, self._command = registry, notify, command
        self._user = registry.HKEY_CURRENT_USER

    @classmethod
    def of_user(cls) -> Self:
        """The registry of this computer; type checkers know it on Windows alone."""
        return cls(importlib.import_module("winreg"), _notify)

    def is_registered(self) -> bool:
        """Whether this checkout is what is started, and no other program is preferred."""
        try:
            line = self._line()
        except FileAssociationError:
            return False
        return (
            self._read(_COMMAND) == line
            and self._read(ENDING) == PROGID
            and self._read(CHOICE, "ProgId") in (None, PROGID)
        )

    def register(self) -> Message:
        line, before = self._line(), self._read(ENDING)
        with self._writing():
            self._write(_OURS, "", "Model weights")
            self._write(_COMMAND, "", line)
            if before not in (None, "", PROGID):
                self._write(_OURS, _BEFORE, before)
            self._write(_OFFERS, PROGID, "")
            self._write(ENDING, "", PROGID)
        self._notify()
        if self._read(CHOICE, "ProgId") not in (None, PROGID):
            raise FileAssociationError(
                Message(
                    "PneumoScope is registered, but Windows keeps to the program that you once "
                    "chose for model files. Right-click one, choose “Open with” and “Choose "
                    "another app”, and there PneumoScope and “Always”."
                )
            )
        return DONE

    def unregister(self) -> Message:
        before = self._read(_OURS, _BEFORE)
        with self._writing():
            if self._read(ENDING) == PROGID:
                if before:
                    self._write(ENDING, "", before)
                else:
                    self._delete_value(ENDING, "")
            self._delete_value(_OFFERS, PROGID)
            self._delete_if_empty(_OFFERS)
            self._delete_if_empty(ENDING)
            for key in (_COMMAND, rf"{_OURS}\shell\open", rf"{_OURS}\shell", _OURS):
                self._delete_key(key)
        self._notify()
        return UNDONE

    def _line(self) -> str:
        """The command line, quoted as Windows' programs take it apart again."""
        words = self._command()
        if any("%" in word for word in words):  # Explorer puts something in its place
            raise FileAssociationError(
                Message(
                    "The folder of PneumoScope has a percent sign in its name ({folder}), which "
                    "Windows cannot start by double click. Rename it, then try again.",
                    folder=words[-1],
                )
            )
        return " ".join(f'"{word}"' for word in [*words, "%1"])

    def _read(self, key: str, name: str = "") -> str | None:
        """A text; None where there is none."""
        try:
            with self._registry.OpenKey(self._user, key) as opened:
                value, _ = self._registry.QueryValueEx(opened, name)
        except OSError:
            return None
        return value if isinstance(value, str) else None

    def _write(self, key: str, name: str, text: str) -> None:
        with self._registry.CreateKey(self._user, key) as opened:
            self._registry.SetValueEx(opened, name, 0, self._registry.REG_SZ, text)

    def _delete_value(self, key: str, name: str) -> None:
        access = self._registry.KEY_SET_VALUE
        with (
            suppress(FileNotFoundError),
            self._registry.OpenKey(self._user, key, 0, access) as opened,
        ):
            self._registry.DeleteValue(opened, name)

    def _delete_if_empty(self, key: str) -> None:
        try:
            with self._registry.OpenKey(self._user, key) as opened:
                n_keys, n_values, _ = self._registry.QueryInfoKey(opened)
        except FileNotFoundError:
            return
        if not n_keys + n_values:
            self._delete_key(key)

    def _delete_key(self, key: str) -> None:
        with suppress(FileNotFoundError):
            self._registry.DeleteKey(self._user, key)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise cannot_write(rf"HKEY_CURRENT_USER\{CLASSES}", error) from error


def _notify() -> None:
    library: Any = getattr(ctypes, "windll").shell32  # noqa: B009 - there on Windows alone
    library.SHChangeNotify(_CHANGED, 0, None, None)
