import json
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from app.application import Application
from app.settings import AppSettings
from app.start.page import StepButton
from app.widgets.page import DATA, HELP, READ, START
from core.config import TrainingConfig
from core.demo import demo_config
from core.workspace import Workspace
from tests.app.hands import label_texts, press, wait_until


def step(program: Application, number: int) -> StepButton:
    return program.window.start_page.findChildren(StepButton)[number - 1]


def test_the_window_opens_on_the_start_page_with_data_as_the_next_step(
    application: Application,
) -> None:
    assert application.window.page == START
    states = [step(application, number).property("state") for number in (1, 2, 3, 4)]
    assert states == ["next", "later", "later", "later"]
    QTest.mouseClick(step(application, 1), Qt.MouseButton.LeftButton)
    assert application.window.page == DATA


def test_the_path_follows_what_is_opened(
    application: Application, films_zip: Path, model_file: Path
) -> None:
    window = application.window
    window.open_paths([films_zip])
    wait_until(lambda: application.data.report is not None)
    window.show_page(START)
    assert "films.zip: 60 X-rays in 3 classes" in "\n".join(label_texts(window.start_page))
    assert step(application, 2).property("state") == "next"
    application.reading.open_model(model_file)
    wait_until(lambda: application.reading.card is not None and not application.reading.is_busy)
    assert step(application, 2).property("state") == "done"
    assert step(application, 4).property("state") == "next"
    window.show_page(READ)
    window.show_page(START)
    links = [one for one in window.start_page.findChildren(QPushButton, "link") if one.isVisible()]
    names = {one.accessibleName() for one in links}
    assert names == {"films.zip", f"{model_file.parent.name}/{model_file.name}"}


def test_settings_of_training_are_remembered_but_not_those_of_the_demo(
    application: Application, workspace: Workspace, settings: AppSettings
) -> None:
    application.training.change(epochs=5)
    application.training.set_config(demo_config())
    assert TrainingConfig.from_json(json.loads(settings.training_config)).epochs == 5
    application.training.change(epochs=9)
    application._restore_training()
    assert application.training.config.epochs == 9
    settings.training_config = "{"
    application._restore_training()
    assert application.training.config.epochs == 9


def test_f1_opens_the_help_of_the_page_in_front(application: Application) -> None:
    window = application.window
    window.show_page(READ)
    window._menus.help_wanted.emit()
    assert (window.page, window.help_page.name) == (HELP, "read")
    window.show_page(START)
    press(window.start_page, "Ten-minute tutorial")
    assert (window.page, window.help_page.name) == (HELP, "tutorial")


def test_a_link_opens_its_term_in_the_glossary(application: Application) -> None:
    window = application.window
    QDesktopServices.openUrl(QUrl("help:glossary#overfitting"))
    assert (window.page, window.help_page.name) == (HELP, "glossary")
    assert window.help_page.browser.verticalScrollBar().value() > 0
