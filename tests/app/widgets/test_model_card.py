import gettext
import math
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QLabel, QTableWidget
from pytestqt.qtbot import QtBot

from app import i18n
from app.widgets.model_card import LEAST_PX, ModelCardView
from tests.app.hands import label_texts
from tests.core.models.model_bytes import CLASSES, card

FIGURES = {"n": 26, "sensitivity": 0.846, "specificity": 0.8, "precision": math.nan}
METRICS = {
    "test": {
        "accuracy": 0.818,
        "loss": 0.4179,
        "n": 66,
        "classes": [{"name": CLASSES[1], **FIGURES}, {"name": 7}, None],
    }
}
CALIBRATION = {
    "temperature": 1.324,
    "set_threshold": 0.3,
    "n": 66,
    "loss_before": 0.5,
    "loss_after": 0.4,
    "ece_before": 0.09,
    "ece_after": 0.041,
}


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[ModelCardView]:
    view = ModelCardView()
    qtbot.addWidget(view)
    view.show()
    yield view
    i18n.set_language("en")


def said(view: ModelCardView, caption: str) -> str:
    """Return what stands beside a caption."""
    names = [label.accessibleName() for label in view.findChildren(QLabel) if label.isVisible()]
    found = [name for name in names if name.startswith(caption + ": ")]
    assert len(found) == 1
    return found[0].removeprefix(caption + ": ")


def cells(view: ModelCardView, row: int) -> list[str]:
    table = view.findChild(QTableWidget)
    return [table.item(row, column).text() for column in range(table.columnCount())]


def test_it_tells_what_the_file_tells(view: ModelCardView) -> None:
    view.show_card(card(metrics=METRICS, calibration=CALIBRATION), "best.safetensors")
    assert "best.safetensors" in label_texts(view)
    assert said(view, "Network") == "ResNet-18, films of 96 × 96 px"
    assert said(view, "Dataset") == "胸片.zip"
    assert said(view, "Films").startswith("3 for training, 3 for validation")
    assert said(view, "Training") == "3 epochs, the best was 2"
    assert said(view, "Test") == "accuracy 81.8%, loss 0.418, on 66 films"
    assert said(view, "Calibration").startswith(
        "Calibrated with temperature 1.32 on 66 validation X-rays."
    )
    assert said(view, "Made") == "Friday, January 2, 2026"
    assert "Research and teaching only, never diagnosis." in label_texts(view)
    assert cells(view, 1) == [f"{CLASSES[1]} (en)", "26", "84.6%", "80.0%", "–"]
    assert cells(view, 0)[1:] == ["–"] * 4


def test_what_a_file_does_not_know_is_said(view: ModelCardView) -> None:
    assert label_texts(view) == ["No model yet"]
    view.show_card(card(), "m")
    known = [said(view, caption) for caption in ("Calibration", "Novelty", "Pictures")]
    assert known[0].startswith("Not calibrated: there were too few validation X-rays")
    assert known[1:] == ["not known", "none"]


def test_a_lying_card_is_shown_all_the_same(view: ModelCardView) -> None:
    odd = {"temperature": [1], "n": "many", "n_validation": None}
    for metrics in (
        {},
        {"test": None},
        {"test": [1]},
        {"test": {"classes": {"a": 1}, "accuracy": "<b>", "n": True, "loss": 10**400}},
        {"test": {"classes": ["x", {"name": []}]}},
    ):
        lying = card(metrics=metrics, calibration=odd, novelty=odd)
        view.show_card(lying, "<b>m</b>" * 30)
        view.grab()
        assert said(view, "Test") == "accuracy –, loss –, on – films"
        assert view.minimumSizeHint().width() <= LEAST_PX
        labels = view.findChildren(QLabel)
        assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)


def test_a_thousand_classes_scroll(view: ModelCardView) -> None:
    names = tuple(str(n) for n in range(1000))
    shown = {name: {"en": name, "zh_CN": name} for name in names}
    view.show_card(card(classes=names, display_names=shown), "m")
    assert view.findChild(QTableWidget).maximumHeight() < 300


def test_it_speaks_another_language(view: ModelCardView) -> None:
    view.show_card(card(metrics=METRICS), "m")
    i18n._Active.catalogue = gettext.NullTranslations()
    i18n._Active.code = "zh_CN"
    QCoreApplication.sendEvent(view, QEvent(QEvent.Type.LanguageChange))
    assert cells(view, 1)[0] == CLASSES[1]
    assert said(view, "Made") == "2026年1月2日星期五"
