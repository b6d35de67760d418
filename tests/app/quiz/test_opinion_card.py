import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app import theme
from app.quiz.opinion import OpinionCard, ScoreBars
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


def test_how_sure_the_model_is_is_said_in_words_with_reasons(card: OpinionCard) -> None:
    many = [f"class {n}" for n in range(9)]
    for names, said, line in (
        (NAMES, result(0), "The model is sure."),
        (NAMES, result(0, 2), "The model is not sure: it may be COVID-19, Viral pneumonia."),
        (NAMES, result(), "The model is not sure of any class."),
        (many, result(*range(9), n=9), "The model is not sure: 9 classes remain possible."),
    ):
        card.show_opinion(names, said)
        assert line in label_texts(card)
        shown = "\n".join(label_texts(card))
        assert all(str(reason) in shown for reason in said.verdict.reasons)
    card.close()


class TestScoreBars:
    @pytest.fixture
    def bars(self, qtbot: QtBot) -> ScoreBars:
        bars = ScoreBars()
        bars.show_colours("#00ff00", "#0000ff", "#ff0000")
        qtbot.addWidget(bars)
        bars.resize(200, 200)
        return bars

    def drawn_px(self, bars: ScoreBars, colour: str) -> int:
        """Return the width of the widest run of a colour."""
        picture, wanted = bars.grab().toImage(), QColor(colour).rgb()
        return max(
            sum(picture.pixel(x, y) == wanted for x in range(picture.width()))
            for y in range(picture.height())
        )

    def test_a_bar_is_as_long_as_its_probability(self, bars: ScoreBars) -> None:
        bars.show_scores(["a", "b"], [0.25, 0.75])
        assert self.drawn_px(bars, "#00ff00") == pytest.approx(150, abs=6)
        assert self.drawn_px(bars, "#0000ff") == pytest.approx(50, abs=6)
        bars.show_scores(["a", "b"], [1.0, 0.0])
        assert self.drawn_px(bars, "#00ff00") >= 190

    def test_there_is_a_row_a_class_the_most_probable_first(self, bars: ScoreBars) -> None:
        bars.show_scores(["a"], [1.0])
        height = bars.sizeHint().height()
        bars.show_scores(["a", "b", "c"], [0.2, 0.7, 0.1])
        assert bars.accessibleName() == "b 70.0%, a 20.0%, c 10.0%"
        assert bars.sizeHint().height() == 3 * height
