"""What a double click starts."""

import sys
import sysconfig
from pathlib import Path

import pytest

from app.file_association import FileAssociationError
from app.file_association.command import ROOT, command


def test_a_checkout_is_started_by_the_python_that_runs_it() -> None:
    assert command() == [sys.executable, str(ROOT / "main.py")]


def test_on_windows_no_black_window_is_opened(tmp_path: Path) -> None:
    for name in ("main.py", "python.exe", "pythonw.exe"):
        (tmp_path / name).touch()
    started = command(tmp_path, str(tmp_path / "python.exe"))
    assert started == [str(tmp_path / "pythonw.exe"), str(tmp_path / "main.py")]


def test_an_installed_program_is_started_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pneumoscope").touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    assert command(tmp_path / "site-packages") == [str(tmp_path / "pneumoscope")]


def test_what_cannot_be_started_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(FileAssociationError, match="Install PneumoScope again"):
        command(tmp_path)
