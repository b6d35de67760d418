import re
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.help.contents import HELP, PAGES, anchors_of, page_file, page_names, page_text
from app.help.page import HelpPage
from app.help.viewmodel import HelpViewModel
from app.tasks import TaskRunner
from app.training.form import TERMS
from core.workspace import Workspace
from tests.app.hands import label_texts, press, speak, wait_until

LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")


@pytest.fixture
def page(qtbot: QtBot, runner: TaskRunner, workspace: Workspace) -> HelpPage:
    page = HelpPage(HelpViewModel(runner, workspace, lambda: False))
    qtbot.addWidget(page)
    page.resize(900, 600)
    page.show()
    return page


def test_every_file_of_the_help_has_its_place_in_the_list() -> None:
    assert {file.stem for file in HELP.glob("*.md")} == set(PAGES) == set(page_names())


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_link_leads_to_a_page_and_a_heading(language: str) -> None:
    for name in page_names():
        file = page_file(name, language)
        for target, anchor in LINK.findall(file.read_text("utf-8")):
            if target.endswith(".png"):
                assert (file.parent / target).resolve().is_file(), (file, target)
                continue
            if target.startswith("../"):  # the same page in the other language, or the README
                assert (file.parent / target).resolve().exists(), (file, target)
                continue
            other = page_file(target.removesuffix(".md") if target else name, language)
            assert other.is_file(), (file, target)
            lines = other.read_text("utf-8").splitlines()
            headings = {
                anchor
                for line in lines
                if line.startswith("#")
                for anchor in anchors_of(line.lstrip("#"))
            }
            assert not anchor or anchor in headings, (file, target, anchor)


def test_links_lead_on_and_back(page: HelpPage) -> None:
    page.show_help("tutorial")
    page.browser.anchorClicked.emit(QUrl("glossary.md#overfitting"))
    assert page.name == "glossary"
    assert page.browser.verticalScrollBar().value() > 0
    page.browser.anchorClicked.emit(QUrl("https://example.org/data.md"))
    assert page.name == "glossary"
    press(page, "Back")
    assert page.name == "tutorial"


def test_the_page_follows_the_language(page: HelpPage) -> None:
    page.show_help("data")
    speak("zh_CN")
    assert page.name == "data"
    shown = page.browser.toPlainText()
    speak("en")
    assert shown != page.browser.toPlainText() or not (HELP / "zh_CN").exists()


def test_pictures_that_are_not_installed_are_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "![" in page_text("data", "en")
    shutil.copy(HELP / "data.md", tmp_path)
    monkeypatch.setattr("app.help.contents.HELP", tmp_path)
    assert "![" not in page_text("data", "en")


def test_diagnostics_go_to_the_clipboard_without_any_path(
    page: HelpPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page._model, "_is_training", lambda: True)
    press(page, "Copy diagnostics")
    wait_until(lambda: not page._model.is_busy)
    text = QApplication.clipboard().text()
    for word in ("PneumoScope 0", "onnxruntime", "disk:", "fonts:", "Qt 6", "self-test: left out"):
        assert word in text
    assert str(workspace.root) not in text
    assert "Diagnostics are on the clipboard." in label_texts(page)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_setting_with_a_term_finds_it_in_the_glossary(language: str) -> None:
    lines = page_file("glossary", language).read_text("utf-8").splitlines()
    anchors = [anchors_of(line.lstrip("#")) for line in lines if line.startswith("#")]
    assert set(TERMS.values()) <= set().union(*anchors)
