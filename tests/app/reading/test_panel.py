import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from app.reading.heat_map import SaliencyCheckLines, ShareRow
from app.reading.novelty import LIMIT_AT, NeighbourStrip, NoveltyMeter, figure, place_of
from app.reading.panel import TrustCard
from app.widgets.labels import Chip
from app.widgets.signs import VerdictSign
from core.errors import Message
from core.prediction.novelty import Neighbour, Novelty
from core.prediction.reading import FilmResult
from core.prediction.saliency_checks import SaliencyChecks
from tests.app.hands import label_texts
from tests.app.reading.foreign_words import HOSTILE_NAMES, speak_tilde
from tests.core.prediction.made_results import acquisition, film_result, opinion

NAMES = ["Normal", "Viral pneumonia", "COVID-19"]
LIKE = Novelty(0.8, 1.2, True, "familiar", Message("It is like them."), acquisition())
UNLIKE = Novelty(9.0, 1.2, False, "not_a_chest_film", Message("It is a photograph."))
HONEST = SaliencyChecks(0.78, 0.64, 0.11, 0.0001, True, ())
OUTSIDE = Message("Most heat lies outside the lungs.")
STAMPED = SaliencyChecks(0.22, -0.2, 0.7, 0.3, False, (OUTSIDE,), (OUTSIDE,))


def neighbour(label: int, distance: float, *, has_picture: bool = True) -> Neighbour:
    picture = np.full((64, 64), 200, np.uint8) if has_picture else None
    return Neighbour(label, "0" * 64, distance, picture)


def film(
    novelty: Novelty | None = LIKE,
    neighbours: tuple[Neighbour, ...] = (),
    checks: SaliencyChecks | None = None,
    n_classes: int = 3,
) -> FilmResult:
    """A film of the second class."""
    probabilities = np.full(n_classes, 0.1, np.float32)
    probabilities[1] = 1 - 0.1 * (n_classes - 1)
    said = opinion(*probabilities, candidates=(1,), novelty=novelty, neighbours=neighbours)
    return film_result(key=next(KEYS), opinion=said, checks=checks)


KEYS = itertools.count(1)
FIVE = tuple(neighbour(1 if n else 0, 0.4 + n / 10) for n in range(5))


@pytest.fixture
def card(qtbot: QtBot, colours: dict[str, str]) -> TrustCard:
    card = TrustCard()
    qtbot.addWidget(card)
    card.show_colours(colours)
    card.resize(272, 600)
    card.show()
    return card


def chips(where: QWidget) -> list[str]:
    return [chip.words for chip in where.findChildren(Chip) if chip.isVisible()]


def figures(card: TrustCard) -> list[str]:
    lines = card.findChild(SaliencyCheckLines)
    return [row.accessibleName().rsplit(": ")[-1] for row in lines.findChildren(ShareRow)]


def nearest(card: TrustCard) -> NeighbourStrip:
    """The films that the network finds most alike; the other strip shows the nearest source."""
    return card.findChildren(NeighbourStrip)[-1]


class TestVerdict:
    def test_before_a_film_is_chosen_it_says_what_to_do(self, card: TrustCard) -> None:
        assert label_texts(card) == ["Choose an X-ray to see what its answer is worth."]

    def test_a_good_answer_is_believable_with_its_reasons(self, card: TrustCard) -> None:
        card.show_film(film(), NAMES)
        assert card.findChild(VerdictSign).level == "no_warnings"
        assert "It is like them." in label_texts(card)

    def test_a_strange_film_is_not_to_be_believed(self, card: TrustCard) -> None:
        card.show_film(film(UNLIKE), NAMES)
        assert card.findChild(VerdictSign).level == "not_reliable"
        assert "It is a photograph." in label_texts(card)

    def test_a_failed_map_turns_the_verdict(self, card: TrustCard) -> None:
        shown = film()
        card.show_film(shown, NAMES)
        card.show_film(replace(shown, checks=STAMPED), NAMES)
        assert card.findChild(VerdictSign).level == "caution"
        assert "Most heat lies outside the lungs." in label_texts(card)

    def test_the_next_film_takes_the_figures_away(self, card: TrustCard) -> None:
        card.show_film(film(checks=STAMPED), NAMES)
        card.show_checks(STAMPED)
        card.show_film(film(), NAMES)
        assert card.findChild(VerdictSign).level == "no_warnings"
        assert "Most heat lies outside the lungs." not in label_texts(card)
        assert figures(card) == ["–"] * 4

    def test_the_same_film_told_again_keeps_its_figures(self, card: TrustCard) -> None:
        shown = film(checks=STAMPED)
        card.show_film(shown, NAMES)
        card.show_checks(STAMPED)
        card.show_film(shown, ["正常肺部", "病毒性肺炎", "新冠肺炎"])
        assert card.findChild(VerdictSign).level == "caution"
        assert figures(card) == ["22%", "-0.20", "70%", "30%"]

    def test_another_class_s_map_leaves_the_verdict_as_it_is(self, card: TrustCard) -> None:
        card.show_film(film(), NAMES)
        card.show_checks(STAMPED)
        assert card.findChild(VerdictSign).level == "no_warnings"
        assert figures(card) == ["22%", "-0.20", "70%", "30%"]

    def test_a_model_that_knows_nothing_is_not_judged(self, card: TrustCard) -> None:
        card.show_film(film(None), NAMES)
        assert card.findChild(VerdictSign).level == "cannot_be_checked"
        assert "not known" in chips(card)
        assert not nearest(card).isVisible()

    def test_a_cleared_card_is_as_at_first(self, card: TrustCard) -> None:
        first = label_texts(card)
        card.show_film(film(neighbours=FIVE), NAMES)
        card.clear()
        assert label_texts(card) == first
        card.show_checks(HONEST)  # comes too late
        assert label_texts(card) == first


class TestNovelty:
    def test_words_say_on_which_side_of_the_limit_it_is(self, card: TrustCard) -> None:
        card.show_film(film(), NAMES)
        assert "like the training films" in chips(card)
        card.show_film(film(UNLIKE), NAMES)
        assert "unlike the training films" in chips(card)

    def test_the_score_and_its_limit_are_told(self, card: TrustCard) -> None:
        card.show_film(film(), NAMES)
        meter = card.findChild(NoveltyMeter)
        names = [child.accessibleName() for child in meter.findChildren(QWidget)]
        assert "score 0.80 limit 1.20" in names

    def test_the_limit_has_one_place_and_all_scores_fit(self) -> None:
        places = [place_of(score, 2.0) for score in (-1, 0, 1, 2, 2.1, 4, 1e9)]
        assert places == sorted(places)
        assert places[1] == 0
        assert places[3] == pytest.approx(LIMIT_AT)
        assert places[-1] <= 1

    @pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("limit", [0.0, -1.0, math.nan, 1.0])
    def test_what_is_no_number_is_not_marked(
        self, qtbot: QtBot, score: float, limit: float
    ) -> None:
        assert math.isnan(place_of(score, limit))
        meter = NoveltyMeter()
        qtbot.addWidget(meter)
        meter.show_novelty(Novelty(score, limit, False, "blank", Message("Blank.")))
        meter.grab()

    @pytest.mark.parametrize(
        ("value", "words"),
        [(0.01234, "0.01"), (1.2, "1.20"), (123.4, "123"), (12345.6, "12,346"), (math.nan, "–")],
    )
    def test_scores_of_any_size_are_short(self, value: float, words: str) -> None:
        assert figure(value) == words


class TestNeighbours:
    def test_pictures_come_with_class_and_distance(self, card: TrustCard) -> None:
        card.show_film(film(neighbours=FIVE), NAMES)
        strip = nearest(card)
        named = [child.accessibleName() for child in strip.findChildren(QWidget)]
        assert "Normal, distance 0.40" in named
        assert "Viral pneumonia, distance 0.80" in named
        assert "4 × Viral pneumonia, 1 × Normal" in named
        assert not any(text.startswith("No pictures") for text in label_texts(strip))

    def test_without_pictures_lines_of_text_say_why(self, card: TrustCard) -> None:
        films = tuple(neighbour(2, n / 10, has_picture=False) for n in range(5))
        card.show_film(film(neighbours=films), NAMES)
        strip = nearest(card)
        assert "No pictures: the model file was made without them." in label_texts(strip)
        named = [one.accessibleName() for one in strip.findChildren(QWidget) if one.isVisible()]
        assert "COVID-19, distance 0.30" in named

    @pytest.mark.parametrize("n", [0, 1, 3, 9])
    def test_any_number_of_them_is_drawn(self, card: TrustCard, n: int) -> None:
        for has_picture in (True, False):
            films = tuple(neighbour(0, 1.0, has_picture=has_picture) for _ in range(n))
            card.show_film(film(neighbours=films), NAMES)
            card.grab()

    def test_one_missing_picture_leaves_its_place(self, card: TrustCard) -> None:
        films = (neighbour(0, 1.0), neighbour(1, 2.0, has_picture=False))
        card.show_film(film(neighbours=films), NAMES)
        card.grab()
        assert not any(text.startswith("No pictures") for text in label_texts(card))

    def test_a_class_without_a_name_is_a_number(self, card: TrustCard) -> None:
        card.show_film(film(neighbours=(neighbour(7, 1.0),)), NAMES)
        named = [child.accessibleName() for child in card.findChildren(QWidget)]
        assert "7, distance 1.00" in named


class TestSaliencyChecks:
    def test_figures_fill_in_when_they_arrive(self, card: TrustCard) -> None:
        card.show_film(film(), NAMES)
        assert figures(card) == ["–"] * 4
        card.show_examining()
        assert figures(card) == ["…"] * 4
        assert "examining …" in chips(card)
        card.show_checks(HONEST)
        assert figures(card) == ["78%", "0.64", "11%", "< 0.1%"]
        assert "passed" in chips(card)

    def test_nothing_moves_while_they_do(self, card: TrustCard) -> None:
        card.show_film(film(neighbours=FIVE), NAMES)
        card.show_examining()
        before = card.heightForWidth(272)
        card.show_checks(HONEST)
        assert card.heightForWidth(272) == before

    def test_a_stamp_says_why(self, card: TrustCard) -> None:
        card.show_film(film(), NAMES)
        card.show_checks(STAMPED)
        assert "do not trust" in chips(card)
        stamp = next(one for one in card.findChildren(Chip) if one.words == "do not trust")
        assert "outside the lungs" in stamp.toolTip()

    def test_lungs_that_were_not_found_are_no_share(self, card: TrustCard) -> None:
        card.show_film(film(), NAMES)
        card.show_checks(SaliencyChecks(None, 0.6, math.nan, math.nan, True, ()))
        assert figures(card) == ["lungs not found", "0.60", "–", "–"]
        card.grab()

    def test_each_figure_explains_itself(self, card: TrustCard) -> None:
        card.show_film(film(), NAMES)
        for row in card.findChildren(ShareRow):
            assert row.toolTip()
            assert row.accessibleDescription()


class TestRoomAndWords:
    @pytest.mark.parametrize("width", [280, 340])
    def test_hostile_text_never_widens_the_panel(
        self, qtbot: QtBot, card: TrustCard, width: int
    ) -> None:
        area = QScrollArea()
        qtbot.addWidget(area)
        area.setWidgetResizable(True)
        area.setWidget(card)
        area.resize(width, 900)
        area.show()
        n = len(HOSTILE_NAMES)
        films = tuple(neighbour(label, 1.0) for label in range(n))
        reason = Message("{file} is strange.", file="Unbroken" * 40)
        strange = Novelty(9.0, 1.0, False, "blank", reason)
        card.show_film(film(strange, films, n_classes=n), HOSTILE_NAMES)
        card.show_checks(SaliencyChecks(0.1, 0.1, 0.9, 1.0, False, (reason, reason)))
        area.grab()
        widest = area.horizontalScrollBar().maximum()
        area.takeWidget()
        assert widest == 0

    def test_foreign_text_is_plain(self, card: TrustCard) -> None:
        hostile = Message("{file}", file="<img src=/etc/passwd>")
        card.show_film(film(Novelty(9.0, 1.0, False, "blank", hostile), FIVE), HOSTILE_NAMES[:3])
        assert all(
            label.textFormat() == Qt.TextFormat.PlainText for label in card.findChildren(QLabel)
        )
        assert not any("<b>" in one.toolTip() for one in card.findChildren(QWidget))

    @pytest.mark.parametrize("width", [1, 60, 272, 2000])
    def test_it_draws_at_any_width(self, card: TrustCard, width: int) -> None:
        card.show_film(film(neighbours=FIVE), NAMES)
        card.show_checks(HONEST)
        card.setMinimumWidth(1)
        card.resize(width, 600)
        card.grab()

    def test_it_speaks_another_language(self, card: TrustCard) -> None:
        card.show_film(film(neighbours=FIVE), NAMES)
        card.show_checks(HONEST)
        speak_tilde(card)
        texts = label_texts(card)
        assert "~It is like them." in texts
        assert {"~Novelty", "~Nearest training films", "~Heat map checks"} <= set(texts)
        assert {"~like the training films", "~passed"} <= set(chips(card))
        assert card.findChild(VerdictSign).accessibleName() == "~No warnings"
