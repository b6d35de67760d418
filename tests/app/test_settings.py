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


def test_what_was_chosen_is_there_in_the_next_program(file: Path) -> None:
    for chosen in (("zh_CN", "light", "/films/of 2020"), ("en", "dark", "")):
        kept = store(file)
        settings = AppSettings(kept)
        settings.language, settings.theme, settings.last_folder = chosen
        save(kept)
        settings = AppSettings(store(file))
        assert (settings.language, settings.theme, settings.last_folder) == chosen


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
        None,
    ],
)
def test_nonsense_and_nothing_read_as_the_defaults(
    qtbot: QtBot, file: Path, value: str | None
) -> None:
    names = ("language", "theme", "geometry", "last_folder", "recent_datasets")
    lines = [f"{name}={value}\n" for name in names] if value is not None else []
    file.write_text("[General]\n" + "".join(lines))
    settings = AppSettings(store(file))
    assert settings.language == system_language()
    assert settings.theme == "dark"
    assert isinstance(settings.geometry, QByteArray)
    assert isinstance(settings.last_folder, str)
    assert settings.recent_datasets == []
    window = QWidget()
    qtbot.addWidget(window)
    assert not window.restoreGeometry(settings.geometry)


def test_a_file_that_is_no_settings_reads_as_the_defaults(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 20)
    settings = AppSettings(store(file))
    assert (settings.language, settings.theme) == (system_language(), "dark")


class TestRecentDatasets:
    @pytest.fixture
    def settings(self, file: Path) -> AppSettings:
        return AppSettings(store(file))

    def test_the_newest_comes_first(self, settings: AppSettings) -> None:
        for sources in (["one"], ["one", "two"], ["three"], ["one"]):  # again: to the head
            settings.remember_dataset(sources)
        assert settings.recent_datasets == [["one"], ["three"], ["one", "two"]]

    def test_only_so_many_are_remembered(self, settings: AppSettings) -> None:
        for number in range(MAX_RECENT + 3):
            settings.remember_dataset([str(number)])
        assert len(settings.recent_datasets) == MAX_RECENT
        assert settings.recent_datasets[-1] == ["3"]

    def test_names_are_there_in_the_next_program_as_they_are(self, file: Path) -> None:
        for name in (
            "肺炎/我的 数据, 第二版.zip",
            'C:\\films\\"new".zip',
            "a;b=c%20.zip",
            "\udcff.zip",
        ):
            kept = store(file)
            AppSettings(kept).remember_dataset([name])
            save(kept)
            assert AppSettings(store(file)).recent_datasets[0] == [name]

    def test_what_is_no_list_reads_as_none_and_a_new_one_begins(self, file: Path) -> None:
        for text in ("{", "[[", "17", '"text"', '{"a": 1}', "null", 10_000 * "["):
            kept = store(file)
            kept.setValue("recent_datasets", text)
            assert AppSettings(kept).recent_datasets == []
            AppSettings(kept).remember_dataset(["one"])
            assert AppSettings(kept).recent_datasets == [["one"]]

    def test_what_is_no_dataset_is_passed_over(self, file: Path) -> None:
        kept = store(file)
        kept.setValue("recent_datasets", json.dumps([[], ["one"], "two", [3], [["four"]], None]))
        assert AppSettings(kept).recent_datasets == [["one"]]
