import json
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.i18n import system_language
from app.settings import MAX_RECENT, AppSettings


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
    assert settings.recent_datasets == []
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
    names = ("language", "theme", "geometry", "last_folder", "recent_datasets")
    file.write_text("[General]\n" + "".join(f"{name}={value}\n" for name in names))
    settings = AppSettings(store(file))
    assert settings.language == system_language()
    assert settings.theme == "dark"
    assert isinstance(settings.geometry, QByteArray)
    assert isinstance(settings.last_folder, str)
    assert settings.recent_datasets == []


def test_a_file_that_is_no_settings_reads_as_the_defaults(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 20)
    settings = AppSettings(store(file))
    assert (settings.language, settings.theme) == (system_language(), "dark")


def test_a_window_does_not_take_a_place_that_is_nonsense(qtbot: QtBot, file: Path) -> None:
    file.write_text("[General]\ngeometry=somewhere at the left\n")
    window = QWidget()
    qtbot.addWidget(window)
    assert not window.restoreGeometry(AppSettings(store(file)).geometry)


class TestRecentDatasets:
    @pytest.fixture
    def settings(self, file: Path) -> AppSettings:
        return AppSettings(store(file))

    def test_the_newest_comes_first(self, settings: AppSettings) -> None:
        for name in ("one", "two", "three"):
            settings.remember_dataset([name])
        assert settings.recent_datasets == [["three"], ["two"], ["one"]]

    def test_what_is_opened_again_moves_to_the_head(self, settings: AppSettings) -> None:
        for name in ("one", "two", "one"):
            settings.remember_dataset([name])
        assert settings.recent_datasets == [["one"], ["two"]]

    def test_several_sources_are_one_dataset(self, settings: AppSettings) -> None:
        settings.remember_dataset(["one", "two"])
        settings.remember_dataset(["one"])
        assert settings.recent_datasets == [["one"], ["one", "two"]]

    def test_only_so_many_are_remembered(self, settings: AppSettings) -> None:
        for number in range(MAX_RECENT + 3):
            settings.remember_dataset([str(number)])
        assert len(settings.recent_datasets) == MAX_RECENT
        assert settings.recent_datasets[-1] == ["3"]

    @pytest.mark.parametrize(
        "name", ["肺炎/我的 数据, 第二版.zip", 'C:\\films\\"new".zip', "a;b=c%20.zip", "\udcff.zip"]
    )
    def test_names_are_there_in_the_next_program_as_they_are(self, file: Path, name: str) -> None:
        kept = store(file)
        AppSettings(kept).remember_dataset([name])
        save(kept)
        assert AppSettings(store(file)).recent_datasets == [[name]]

    @pytest.mark.parametrize("text", ["{", "[[", "17", '"text"', '{"a": 1}', "null", 10_000 * "["])
    def test_what_is_no_list_reads_as_none(self, file: Path, text: str) -> None:
        kept = store(file)
        kept.setValue("recent_datasets", text)
        assert AppSettings(kept).recent_datasets == []

    def test_what_is_no_dataset_is_passed_over(self, file: Path) -> None:
        kept = store(file)
        kept.setValue("recent_datasets", json.dumps([[], ["one"], "two", [3], [["four"]], None]))
        assert AppSettings(kept).recent_datasets == [["one"]]

    def test_after_damage_a_new_list_begins(self, file: Path) -> None:
        kept = store(file)
        kept.setValue("recent_datasets", "[[")
        AppSettings(kept).remember_dataset(["one"])
        assert AppSettings(kept).recent_datasets == [["one"]]
