"""A dataset may have a thousand classes; the window stays as large as a screen."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hands import drop, wait_until
from PySide6.QtCore import QSize

from app.application import Application
from app.pages.page import EVALUATE, READ
from app.widgets.score_bars import ScoreBars
from core.evaluation.evaluate import ModelEvaluation
from core.evaluation.metrics import evaluation
from core.events import FilmRead
from core.models.model_card import ModelCard
from core.models.model_file import read_card
from core.prediction import classifier as classifier_module
from core.prediction.classifier import Classifier

N = 1000
SCREEN = QSize(1280, 800)


@pytest.fixture
def many(model_file: Path) -> ModelCard:
    names = tuple(f"class {number}" for number in range(N))
    shown = {name: {"en": name, "zh_CN": name} for name in names}
    return dataclasses.replace(read_card(model_file), classes=names, display_names=shown)


@pytest.fixture
def _opens_many(many: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever model file is opened knows a thousand classes."""

    def read_films(classifier: Classifier, paths: Sequence[Path]) -> Iterator[FilmRead]:
        for path in paths:
            probabilities = np.full(N, 1 / N, np.float32)
            yield FilmRead(str(path), path, probabilities, np.zeros((9, 9), np.uint8))

    monkeypatch.setattr(Classifier, "open", lambda *_: SimpleNamespace(card=many))
    monkeypatch.setattr(classifier_module, "read_films", read_films)


def fits(size: QSize) -> bool:
    return size.width() <= SCREEN.width() and size.height() <= SCREEN.height()


@pytest.mark.usefixtures("_opens_many")
def test_a_film_with_a_thousand_probabilities_leaves_the_window_as_it_is(
    application: Application, model_file: Path, film_files: list[Path]
) -> None:
    drop(application.window, model_file, film_files[0])
    wait_until(lambda: len(application.reading.films) == 1)
    application.window.show_page(READ)
    bars = application.window.reading_page.findChild(ScoreBars)
    assert bars.height() > SCREEN.height()  # all are there; one scrolls
    assert fits(application.window.minimumSizeHint())


def test_a_matrix_of_a_thousand_classes_leaves_the_window_as_it_is(
    application: Application, many: ModelCard, model_file: Path
) -> None:
    random = np.random.default_rng(0)
    truth = np.arange(2 * N) % N
    result = evaluation(random.normal(size=(2 * N, N)).astype(np.float32), truth)
    application.evaluation.set_model(model_file)
    application.evaluation.result = ModelEvaluation(model_file, many, "all", result)
    application.evaluation.changed.emit()
    application.window.show_page(EVALUATE)
    assert not application.window.grab().isNull()
    assert fits(application.window.minimumSizeHint())
