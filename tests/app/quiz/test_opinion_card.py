import pytest
from pytestqt.qtbot import QtBot

from app import theme
from app.quiz.question import OpinionCard
from core.prediction.reading import FilmResult
from tests.app.hands import label_texts
from tests.core.prediction.made_results import film_result, opinion

NAMES = ("COVID-19", "Normal", "Viral pneumonia")


def result(*candidates: int, n: int = 3) -> FilmResult:
    probabilities = [0.7, *[0.3 / (n - 1)] * (n - 1)]
    return film_result(opinion=opinion(*probabilities, candidates=candidates))


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
        (result(0), "The model is sure."),
        (result(0, 2), "The model is not sure: it may be COVID-19, Viral pneumonia."),
        (result(), "The model is not sure of any class."),
    ],
)
def test_how_sure_the_model_is_is_said_in_words(
    card: OpinionCard, said: FilmResult, line: str
) -> None:
    card.show_opinion(NAMES, said)
    assert line in label_texts(card)
    card.close()


def test_where_many_classes_are_possible_they_are_counted(card: OpinionCard) -> None:
    said = result(*range(9), n=9)
    card.show_opinion([f"class {n}" for n in range(9)], said)
    assert "The model is not sure: 9 classes remain possible." in label_texts(card)
    card.close()


def test_the_verdict_comes_with_its_reasons(card: OpinionCard) -> None:
    said = result(0)
    card.show_opinion(NAMES, said)
    shown = "\n".join(label_texts(card))
    assert all(str(reason) in shown for reason in said.verdict.reasons)
    card.close()
