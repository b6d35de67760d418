"""A dataset may have a thousand classes; the window stays as large as a screen."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QListView

from app.application import Application
from app.widgets.page import EVALUATE
from core.evaluation.evaluate import ModelEvaluation
from core.evaluation.metrics import evaluation
from core.models.model_card import ModelCard
from core.models.model_file import read_card
from core.prediction.verdict import Opinion
from tests.app.hands import field
from tests.app.reading.read_bench import Bench

N = 1000
SCREEN = QSize(1280, 800)


@pytest.fixture
def many(model_file: Path) -> ModelCard:
    names = tuple(f"class {number}" for number in range(N))
    shown = {name: {"en": name, "zh_CN": name} for name in names}
    return read_card(model_file).model_copy(update={"classes": names, "display_names": shown})


def fits(size: QSize) -> bool:
    return size.width() <= SCREEN.width() and size.height() <= SCREEN.height()


def test_a_film_with_a_thousand_probabilities_leaves_the_page_as_it_is(
    bench: Bench, many: ModelCard, films: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.readings, "card", lambda: many)
    probabilities = np.full(N, 1 / N, np.float32)
    bench.readings.opinions["a.png"] = Opinion(probabilities, True, tuple(range(N)), None)
    bench.open()
    bench.read(films[0])
    rows = field(bench.panel, QListView, "Probabilities of the classes")
    assert rows.model().rowCount() == N
    assert rows.height() < SCREEN.height()  # one scrolls
    assert not bench.page.grab().isNull()
    assert fits(bench.page.minimumSizeHint())


def test_a_matrix_of_a_thousand_classes_leaves_the_window_as_it_is(
    application: Application, many: ModelCard, model_file: Path
) -> None:
    random = np.random.default_rng(0)
    truth = np.arange(2 * N) % N
    logits = random.normal(size=(2 * N, N)).astype(np.float32)
    result = evaluation(logits, truth)
    application.evaluation.set_model(model_file)
    application.evaluation.result = ModelEvaluation(
        model_file, many, "all", result, classifier=None, loaded=None, raw=None, validation=None
    )
    application.evaluation.changed.emit()
    application.window.show_page(EVALUATE)
    assert not application.window.grab().isNull()
    assert fits(application.window.minimumSizeHint())
