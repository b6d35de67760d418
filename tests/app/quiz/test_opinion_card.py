import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app import theme
from app.quiz.question import OpinionCard
from core.prediction.classifier import Opinion
from core.prediction.verdict import verdict_of
from tests.app.hands import label_texts

NAMES = ("COVID-19", "Normal", "Viral pneumonia")


def opinion(*candidates: int, n: int = 3) -> Opinion:
    probabilities = np.full(n, 0.3 / (n - 1), np.float32)
    probabilities[0] = 0.7
    return Opinion(probabilities, True, candidates, None)


@pytest.fixture
def card(qtbot: QtBot) -> OpinionCard:
    card = OpinionCard()
    qtbot.addWidget(card)
    card.show_colours(theme.colours("dark"))
    card.resize(300, 400)
    with qtbot.waitExposed(card):
        card.show()
    return card


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (opinion(0), "The model is sure."),
        (opinion(0, 2), "The model is not sure: it may be COVID-19, Viral pneumonia."),
        (opinion(), "The model is not sure of any class."),
    ],
)
def test_how_sure_the_model_is_is_said_in_words(
    card: OpinionCard, said: Opinion, line: str
) -> None:
    card.show_opinion(NAMES, said, verdict_of(said))
    assert line in label_texts(card)
    card.close()


def test_where_many_classes_are_possible_they_are_counted(card: OpinionCard) -> None:
    said = opinion(*range(9), n=9)
    card.show_opinion([f"class {n}" for n in range(9)], said, verdict_of(said))
    assert "The model is not sure: 9 classes remain possible." in label_texts(card)
    card.close()


def test_the_verdict_comes_with_its_reasons(card: OpinionCard) -> None:
    said = opinion(0)
    verdict = verdict_of(said)
    card.show_opinion(NAMES, said, verdict)
    shown = "\n".join(label_texts(card))
    assert all(str(reason) in shown for reason in verdict.reasons)
    card.close()
