"""Windows' registry, on one that is made of dictionaries and as particular as the real one."""

import sys
from typing import Any, Self

import pytest

from app.file_association import FileAssociationError
from app.file_association.windows import CHOICE, CLASSES, ENDING, PROGID, WindowsAssociation

COMMAND = [r"C:\Users\王 X\Pneumo Scope\.venv\Scripts\pythonw.exe", r"C:\Users\王 X\main.py"]
RUN = rf"{CLASSES}\{PROGID}\shell\open\command"


class Key:
    def __init__(self, path: str, may_write: bool) -> None:
        self.path, self.may_write = path, may_write

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Registry:
    """The part of `winreg` that is needed; names of keys and values know no case."""

    HKEY_CURRENT_USER, REG_SZ, KEY_READ, KEY_SET_VALUE = 1, 1, 0x20019, 0x0002

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {"": {}}
        self.is_locked = False

    def texts(self) -> dict[str, dict[str, Any]]:
        return {path: values for path, values in self.keys.items() if values}

    def CreateKey(self, root: int, path: str) -> Key:
        if self.is_locked:
            raise PermissionError(13, "Access is denied")
        parts = path.lower().split("\\")
        for n_parts in range(1, len(parts) + 1):
            self.keys.setdefault("\\".join(parts[:n_parts]), {})
        return Key(path.lower(), may_write=True)

    def OpenKey(self, root: int, path: str, reserved: int = 0, access: int = KEY_READ) -> Key:
        if path.lower() not in self.keys:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return Key(path.lower(), may_write=access != self.KEY_READ)

    def QueryValueEx(self, key: Key, name: str) -> tuple[Any, int]:
        if name.lower() not in self.keys[key.path]:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return self.keys[key.path][name.lower()], self.REG_SZ

    def QueryInfoKey(self, key: Key) -> tuple[int, int, int]:
        return len(self._below(key.path)), len(self.keys[key.path]), 0

    def SetValueEx(self, key: Key, name: str, reserved: int, kind: int, value: str) -> None:
        assert key.may_write
        assert kind == self.REG_SZ
        self.keys[key.path][name.lower()] = value

    def DeleteValue(self, key: Key, name: str) -> None:
        if not key.may_write:
            raise PermissionError(13, "Access is denied")
        if self.keys[key.path].pop(name.lower(), None) is None:
            raise FileNotFoundError(2, "The system cannot find the file specified")

    def DeleteKey(self, root: int, path: str) -> None:
        if path.lower() not in self.keys:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        if self._below(path.lower()):
            raise PermissionError(13, "Access is denied")
        del self.keys[path.lower()]

    def _below(self, path: str) -> list[str]:
        return [one for one in self.keys if one.rpartition("\\")[0] == path]


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.CreateKey(1, CLASSES)
    return registry


@pytest.fixture
def notices() -> list[str]:
    """How often the desktop was told."""
    return []


@pytest.fixture
def windows(registry: Registry, notices: list[str]) -> WindowsAssociation:
    return WindowsAssociation(registry, lambda: notices.append("look"), lambda: COMMAND)


def put(registry: Registry, path: str, name: str, text: str) -> None:
    registry.SetValueEx(registry.CreateKey(1, path), name, 0, 1, text)


class TestRegister:
    def test_a_model_file_starts_the_program_with_its_path_in_quotes(
        self, registry: Registry, windows: WindowsAssociation, notices: list[str]
    ) -> None:
        assert not windows.is_registered()
        assert "now open in PneumoScope" in str(windows.register())
        assert windows.is_registered()
        assert notices == ["look"]
        assert registry.keys[RUN.lower()][""] == f'"{COMMAND[0]}" "{COMMAND[1]}" "%1"'
        assert registry.keys[ENDING.lower()] == {"": PROGID}
        assert registry.keys[rf"{ENDING}\OpenWithProgids".lower()] == {PROGID.lower(): ""}

    def test_twice_is_as_good_as_once(
        self, registry: Registry, windows: WindowsAssociation
    ) -> None:
        put(registry, ENDING, "", "Other.File")
        windows.register()
        once = {path: dict(values) for path, values in registry.keys.items()}
        windows.register()
        assert registry.keys == once

    def test_another_checkout_is_not_this_one(
        self, registry: Registry, windows: WindowsAssociation
    ) -> None:
        windows.register()
        assert not WindowsAssociation(registry, print, lambda: ["other.exe"]).is_registered()

    def test_what_was_chosen_in_windows_own_window_goes_first_and_is_told(
        self, registry: Registry, windows: WindowsAssociation
    ) -> None:
        put(registry, CHOICE, "ProgId", "Other.File")
        with pytest.raises(FileAssociationError, match="Windows keeps to the program"):
            windows.register()
        assert not windows.is_registered()
        put(registry, CHOICE, "ProgId", PROGID)
        assert windows.is_registered()

    def test_a_locked_registry_is_told(
        self, registry: Registry, windows: WindowsAssociation
    ) -> None:
        registry.is_locked = True
        with pytest.raises(FileAssociationError, match="Access is denied"):
            windows.register()

    def test_a_percent_sign_which_windows_would_replace_is_refused(
        self, registry: Registry
    ) -> None:
        odd = WindowsAssociation(registry, print, lambda: ["python.exe", r"C:\100%\main.py"])
        with pytest.raises(FileAssociationError, match="has a percent sign in its name"):
            odd.register()
        assert not odd.is_registered()


class TestUnregister:
    def test_nothing_of_ours_is_left(
        self, registry: Registry, windows: WindowsAssociation, notices: list[str]
    ) -> None:
        before = dict(registry.keys)
        windows.register()
        assert "no longer" in str(windows.unregister())
        assert registry.keys == before
        assert len(notices) == 2

    def test_another_program_gets_its_files_back(
        self, registry: Registry, windows: WindowsAssociation
    ) -> None:
        put(registry, ENDING, "", "Other.File")
        put(registry, rf"{ENDING}\OpenWithProgids", "Other.File", "")
        before = registry.texts()
        windows.register()
        windows.unregister()
        assert registry.texts() == before

    def test_a_program_that_took_the_files_since_keeps_them(
        self, registry: Registry, windows: WindowsAssociation
    ) -> None:
        windows.register()
        put(registry, ENDING, "", "Newer.File")
        assert not windows.is_registered()
        windows.unregister()
        assert registry.texts() == {ENDING.lower(): {"": "Newer.File"}}

    def test_what_never_was_can_be_taken_back(
        self, registry: Registry, windows: WindowsAssociation
    ) -> None:
        before = dict(registry.keys)
        windows.unregister()
        assert registry.keys == before


@pytest.mark.skipif(sys.platform != "win32", reason="there is no registry")
def test_the_registry_of_this_computer_can_be_asked() -> None:
    assert WindowsAssociation.of_user().is_registered() in (True, False)
