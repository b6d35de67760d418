import pytest
from PySide6.QtWidgets import QProgressBar
from pytestqt.qtbot import QtBot

from app.widgets.cards import ProgressCard
from app.widgets.labels import Figure
from core.errors import Message
from core.events import Progress
from core.runtime.threads import TimeLeft
from tests.app.hands import label_texts, press


def test_a_figure_shows_its_number_and_what_it_is(qtbot: QtBot) -> None:
    figure = Figure()
    qtbot.addWidget(figure)
    figure.show()
    figure.show_value("96.2%", "accuracy")
    assert label_texts(figure) == ["96.2%", "accuracy"]
    assert figure.accessibleName() == "accuracy: 96.2%"


@pytest.fixture
def clock() -> list[float]:
    """The time, which the test sets."""
    return [0.0]


@pytest.fixture
def card(qtbot: QtBot, clock: list[float]) -> ProgressCard:
    card = ProgressCard(TimeLeft(lambda: clock[0]))
    qtbot.addWidget(card)
    card.show()
    return card


def report(card: ProgressCard, stage: str, done: int, total: int) -> list[str]:
    """Tell of progress, and return what the card shows of it."""
    card.show_progress(Progress(Message(stage), done, total))
    return label_texts(card)


def test_progress_shows_the_stage_how_far_it_is_and_how_long_it_takes(
    card: ProgressCard, clock: list[float]
) -> None:
    assert report(card, "Reading films", 0, 1000) == ["Reading films …", "0 / 1,000"]
    clock[0] = 10
    assert report(card, "Reading films", 1, 1000)[1] == "1 / 1,000   about 2:46:30 left"
    assert report(card, "Reading films", 100, 1000)[1] == "100 / 1,000   about 1:30 left"
    bar = card.findChild(QProgressBar)
    assert (bar.value(), bar.maximum()) == (100, 1000)
    # The next stage says nothing of the time at first.
    assert report(card, "Comparing films", 200, 1000) == ["Comparing films …", "200 / 1,000"]


def test_where_nobody_knows_the_end_the_bar_only_moves_until_it_is_given_up(
    qtbot: QtBot, card: ProgressCard
) -> None:
    assert report(card, "Loading", 0, 0) == ["Loading …", ""]
    bar = card.findChild(QProgressBar)
    assert (bar.minimum(), bar.maximum()) == (0, 0)
    with qtbot.waitSignal(card.cancelled):
        press(card, "Cancel")
