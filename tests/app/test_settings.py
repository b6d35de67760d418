from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.settings import AppSettings
from app.translation import system_language


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.ini"


def store(file: Path) -> QSettings:
    return QSettings(str(file), QSettings.Format.IniFormat)


def save(settings_store: QSettings) -> None:
    settings_store.sync()
    assert settings_store.status() == QSettings.Status.NoError


@pytest.fixture(params=[("zh_CN", "light", "/films/of 2020"), ("en", "dark", "")])
def saved(request: pytest.FixtureRequest, file: Path) -> tuple[str, str, str]:
    """What was chosen in a program that has ended since."""
    language, theme, folder = request.param
    kept = store(file)
    settings = AppSettings(kept)
    settings.language, settings.theme, settings.last_folder = language, theme, folder
    save(kept)
    return language, theme, folder


def test_what_was_chosen_is_there_in_the_next_program(
    saved: tuple[str, str, str], file: Path
) -> None:
    settings = AppSettings(store(file))
    assert (settings.language, settings.theme, settings.last_folder) == saved


def test_the_place_of_the_window_is_there_in_the_next_program(qtbot: QtBot, file: Path) -> None:
    window, again = QWidget(), QWidget()
    for widget in (window, again):
        qtbot.addWidget(widget)
    window.setGeometry(30, 40, 500, 300)
    kept = store(file)
    AppSettings(kept).geometry = window.saveGeometry()
    save(kept)
    assert again.restoreGeometry(AppSettings(store(file)).geometry)
    assert again.size() == window.size()


def test_a_first_start_is_dark_in_the_language_of_the_system(file: Path) -> None:
    settings = AppSettings(store(file))
    assert settings.theme == "dark"
    assert settings.language == system_language()
    assert settings.last_folder == ""
    assert settings.geometry.isEmpty()


@pytest.mark.parametrize(
    "value",
    [
        "klingon",
        "",
        "17",
        "a, list, of, texts",
        "@Point(1 1)",
        "@ByteArray(\\x1\\xff)",
        "@Invalid()",
        "{1: 2}",
    ],
)
def test_nonsense_reads_as_the_defaults(file: Path, value: str) -> None:
    names = ("language", "theme", "geometry", "last_folder")
    file.write_text("[General]\n" + "".join(f"{name}={value}\n" for name in names))
    settings = AppSettings(store(file))
    assert settings.language == system_language()
    assert settings.theme == "dark"
    assert isinstance(settings.geometry, QByteArray)
    assert isinstance(settings.last_folder, str)


def test_a_file_that_is_no_settings_reads_as_the_defaults(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 20)
    settings = AppSettings(store(file))
    assert (settings.language, settings.theme) == (system_language(), "dark")


def test_a_window_does_not_take_a_place_that_is_nonsense(qtbot: QtBot, file: Path) -> None:
    file.write_text("[General]\ngeometry=somewhere at the left\n")
    window = QWidget()
    qtbot.addWidget(window)
    assert not window.restoreGeometry(AppSettings(store(file)).geometry)
