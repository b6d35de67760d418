"""Linux desktops, on folders and tools of the test's own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from app.file_association import FileAssociationError, association
from app.file_association.freedesktop import ENTRY, TYPE, FreedesktopAssociation
from core.errors import Message

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the folders are those of Linux")
TOOLS = ("update-mime-database", "update-desktop-database", "xdg-mime")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folders, and a PATH that leads to `bin` alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "system"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        put_tool(tmp_path, tool, "exit 0")
    return tmp_path


@pytest.fixture
def desktop(home: Path) -> FreedesktopAssociation:
    return FreedesktopAssociation.of_user()


def put_tool(home: Path, name: str, deed: str) -> None:
    """A tool that notes what it is asked for, and then does `deed`."""
    tool = home / "bin" / name
    tool.write_text(f'#!/bin/sh\necho "{name} $*" >> "{home}/asked"\n{deed}\n', "utf-8")
    tool.chmod(0o755)


def put(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def entry(home: Path) -> Path:
    return home / "data" / "applications" / ENTRY


def asked(home: Path) -> list[str]:
    """What the tools were asked for, without the folder."""
    return (home / "asked").read_text("utf-8").replace(f"{home}/", "").splitlines()


def files(home: Path) -> dict[str, str]:
    tree = [path for name in ("data", "config") for path in (home / name).rglob("*")]
    return {str(path.relative_to(home)): path.read_text() for path in tree if path.is_file()}


class TestRegister:
    def test_the_desktop_learns_of_a_type_and_of_a_program(
        self, home: Path, desktop: FreedesktopAssociation
    ) -> None:
        assert not desktop.is_registered()
        assert "now open in PneumoScope" in str(desktop.register())
        assert desktop.is_registered()
        assert set(files(home)) == {
            "data/applications/pneumoscope.desktop",
            "data/mime/packages/pneumoscope.xml",
        }
        assert f"MimeType={TYPE};\n" in entry(home).read_text("utf-8")
        assert asked(home) == [
            "update-mime-database data/mime",
            "update-desktop-database data/applications",
            f"xdg-mime default {ENTRY} {TYPE}",
        ]

    def test_twice_is_as_good_as_once(self, home: Path, desktop: FreedesktopAssociation) -> None:
        desktop.register()
        once = files(home)
        desktop.register()
        assert files(home) == once

    def test_another_checkout_is_replaced(
        self, home: Path, desktop: FreedesktopAssociation
    ) -> None:
        other = FreedesktopAssociation(
            home / "data", home / "config", command=lambda: ["/old/python", "/old/main.py"]
        )
        other.register()
        assert not desktop.is_registered()
        desktop.register()
        assert desktop.is_registered()
        assert not other.is_registered()

    def test_a_type_that_others_gave_such_files_is_ours_as_well(
        self, home: Path, desktop: FreedesktopAssociation
    ) -> None:
        put(
            home / "system" / "mime" / "globs2",
            "# comment\n50:application/x-tensors:*.SafeTensors:cs\n50:text/plain:*.txt\nodd\n",
        )
        desktop.register()
        assert f"MimeType={TYPE};application/x-tensors;\n" in entry(home).read_text("utf-8")
        assert asked(home)[-1] == f"xdg-mime default {ENTRY} {TYPE} application/x-tensors"

    @pytest.mark.parametrize("tool", TOOLS)
    def test_a_tool_that_fails_is_named_and_what_was_done_stays(
        self, home: Path, desktop: FreedesktopAssociation, tool: str
    ) -> None:
        put_tool(home, tool, "exit 4")
        with pytest.raises(FileAssociationError, match=rf"failed: {tool}\. Install"):
            desktop.register()
        assert desktop.is_registered()

    def test_tools_that_are_missing_are_named(
        self, home: Path, desktop: FreedesktopAssociation
    ) -> None:
        for tool in TOOLS:
            (home / "bin" / tool).unlink()
        with pytest.raises(FileAssociationError, match=", ".join(TOOLS)):
            desktop.register()

    def test_a_folder_that_cannot_be_written_is_named(
        self, home: Path, desktop: FreedesktopAssociation
    ) -> None:
        put(home / "data" / "applications", "a file where a folder belongs")
        with pytest.raises(FileAssociationError, match=r"pneumoscope\.desktop cannot be changed"):
            desktop.register()
        assert not desktop.is_registered()

    def test_a_name_that_is_no_text_is_refused(self, home: Path) -> None:
        odd = FreedesktopAssociation(
            home / "data", home / "config", command=lambda: ["/\udcff/python", "main.py"]
        )
        with pytest.raises(FileAssociationError, match="no proper text"):
            odd.register()
        assert not odd.is_registered()


class TestPreference:
    """Which program is tried first is the user's to say, here and elsewhere."""

    BEFORE = (
        "[Added Associations]\r\ntext/plain=vim.desktop;\n"
        f"{TYPE}=pneumoscope.desktop;other.desktop;\n\n"
        "[Default Applications]\ntext/html=firefox.desktop\n"
        f"{TYPE}=pneumoscope.desktop\n# 注释 \udcff\n"
    )
    AFTER = (
        "[Added Associations]\r\ntext/plain=vim.desktop;\n"
        f"{TYPE}=other.desktop;\n\n"
        "[Default Applications]\ntext/html=firefox.desktop\n# 注释 \udcff\n"
    )

    def test_another_program_that_is_preferred_is_what_opens(
        self, home: Path, desktop: FreedesktopAssociation
    ) -> None:
        desktop.register()
        listed = put(
            home / "config" / "mimeapps.list", f"[Default Applications]\n{TYPE} = x.desktop;"
        )
        assert not desktop.is_registered()
        listed.write_text(f"[Default Applications]\n{TYPE}={ENTRY};x.desktop\n", "utf-8")
        assert desktop.is_registered()
        listed.write_text(f"[Removed Associations]\n{TYPE}=x.desktop;\n", "utf-8")
        assert desktop.is_registered()

    def test_ours_is_taken_out_and_nothing_else(
        self, home: Path, desktop: FreedesktopAssociation
    ) -> None:
        desktop.register()
        real = home / "dotfiles" / "mimeapps.list"
        real.parent.mkdir()
        real.write_bytes(self.BEFORE.encode("utf-8", "surrogateescape"))
        (home / "config").mkdir()
        (home / "config" / "mimeapps.list").symlink_to(real)
        desktop.unregister()
        assert (home / "config" / "mimeapps.list").is_symlink()
        assert real.read_bytes() == self.AFTER.encode("utf-8", "surrogateescape")


class TestUnregister:
    def test_nothing_of_ours_is_left(self, home: Path, desktop: FreedesktopAssociation) -> None:
        others = put(home / "data" / "applications" / "other.desktop", "[Desktop Entry]\n")
        desktop.register()
        assert "no longer" in str(desktop.unregister())
        assert not desktop.is_registered()
        assert files(home) == {"data/applications/other.desktop": others.read_text()}
        assert asked(home)[-2:] == asked(home)[:2]

    def test_what_never_was_can_be_taken_back(
        self, home: Path, desktop: FreedesktopAssociation
    ) -> None:
        assert isinstance(desktop.unregister(), Message)
        assert files(home) == {}

    def test_a_desktop_without_tools_forgets_as_well(
        self, home: Path, desktop: FreedesktopAssociation
    ) -> None:
        desktop.register()
        for tool in TOOLS:
            (home / "bin" / tool).unlink()
        desktop.unregister()
        assert files(home) == {}


def test_a_relative_folder_in_the_environment_is_ignored(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    monkeypatch.setenv("HOME", str(home / "me"))
    FreedesktopAssociation.of_user().register()
    assert (home / "me" / ".local" / "share" / "applications" / ENTRY).is_file()


@pytest.mark.skipif(shutil.which("update-mime-database") is None, reason="it is not installed")
@pytest.mark.skipif(shutil.which("gio") is None, reason="it is not installed")
def test_glib_offers_the_program_for_a_model_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What GLib reads: as it is made by the tools of the desktop, where these are installed.
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    model = put(tmp_path / "模型 1.SafeTensors", "weights")
    try:
        association().register()
    except FileAssociationError:  # xdg-mime is missing: then the user's list is made by hand
        put(
            tmp_path / "XDG_CONFIG_HOME" / "mimeapps.list",
            f"[Default Applications]\n{TYPE}={ENTRY}\n",
        )
    told = [
        subprocess.run(["gio", *words], capture_output=True, text=True, check=True).stdout
        for words in (["info", "-a", "standard::content-type", str(model)], ["mime", TYPE])
    ]
    assert f"standard::content-type: {TYPE}" in told[0]
    assert ENTRY in told[1].splitlines()[0]
    association().unregister()
    left = subprocess.run(["gio", "mime", TYPE], capture_output=True, text=True, check=False)
    assert ENTRY not in left.stdout
