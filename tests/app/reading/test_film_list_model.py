"""Rows as values: their words, which are shown, in which order."""

import random
from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester

from app.i18n import set_language
from app.reading.film_list_model import Choice, ListedFilm, Order, ReadingListModel, Show, words_of
from core.errors import Message
from tests.app.reading.rows import film, refused

CLASSES = ("COVID-19", "Normal", "Viral pneumonia")
REASON = Message("{file} is wholly transparent. Export it again without transparency.", file="x")


REFUSED = refused(9, "refused.png", REASON)


class TestWords:
    def test_a_read_film_has_a_class_and_a_probability(self) -> None:
        words = words_of(film(0, "ward/a.png", 2, 0.9312), CLASSES)
        assert (words.answer, words.probability, words.note) == ("Viral pneumonia", "93.1%", "")

    def test_all_that_is_known_is_told_in_the_tip(self) -> None:
        row = film(is_sure=False, true_label=0, duplicate_of="b.png", name="w/a.png")
        words = words_of(row, CLASSES)
        parts = ["w/a.png", "Caution", "Normal 50.0%", "× wrong"]
        notes = ["Already read as b.png", "True class: COVID-19", "Not sure"]
        assert words.tip == "\n".join([*parts, *notes])
        assert words.spoken == ", ".join([*parts, *notes])
        assert words.note == "  ·  ".join(notes)

    def test_to_have_been_trained_on_goes_before_not_sure(self) -> None:
        assert words_of(film(is_sure=False, part="train"), CLASSES).note == "trained on"

    def test_a_right_answer_needs_no_note(self) -> None:
        words = words_of(film(true_label=1), CLASSES)
        assert words.note == ""
        assert "✓ right" in words.tip

    def test_a_refused_film_says_why(self) -> None:
        words = words_of(REFUSED, CLASSES)
        assert (words.answer, words.probability) == ("not read", "")
        assert words.note == str(REASON)

    def test_a_class_without_a_name_is_a_number(self) -> None:
        assert words_of(film(label=2), CLASSES[:2]).answer == "2"


class TestChoice:
    @pytest.mark.parametrize(
        ("show", "keys"),
        [
            (Show.ALL, [1, 2, 3, 4, 5, 9]),
            (Show.NOT_SURE, [2]),
            (Show.NOT_RELIABLE, [3]),
            (Show.WRONG, [4]),
            (Show.REPEATED, [5]),
            (Show.REFUSED, [9]),
            (0, [4]),
            (1, [1, 2, 5]),
            (2, []),
        ],
    )
    def test_films_can_be_narrowed(self, show: Show | int, keys: list[int]) -> None:
        rows = [
            film(1, true_label=1),
            film(2, is_sure=False),
            film(3, level="not_reliable"),
            film(4, label=0, true_label=1),
            film(5, duplicate_of="a.png"),
            REFUSED,
        ]
        assert [row.key for row in rows if Choice(show).accepts(row)] == keys

    @pytest.mark.parametrize(
        ("words", "is_found"),
        [("", True), ("  ", True), ("FILM", True), ("film ward", True), ("film b", False)],
    )
    def test_names_are_searched_word_by_word(self, words: str, is_found: bool) -> None:
        choice = Choice(words=words)
        assert choice.accepts(film(name="ward/Film 1.png")) == is_found
        assert choice.is_narrow == bool(words.strip())

    def test_numbers_in_names_are_compared_as_numbers(self) -> None:
        ordered = ["007", "7", "9" * 5000, "a2b9", "a2b10", "film", "film 9", "film 10", "²"]
        mixed = ordered[::2] + ordered[1::2]
        mixed.sort(key=lambda name: Choice(order=Order.NAME).place(film(name=name)))
        assert mixed == ordered


def model_of(rows: Sequence[ListedFilm]) -> ReadingListModel:
    model = ReadingListModel()
    model.set_classes(CLASSES)
    model.take(rows, [])
    return model


@pytest.fixture
def rows() -> list[ListedFilm]:
    return [
        film(0, "b10.png", 1, 0.7, level="cannot_be_checked"),
        film(1, "b9.png", 0, 0.9, level="caution"),
        refused(2, "c.png", REASON),
        film(3, "a.png", 1, 0.8, level="not_reliable"),
        film(4, "d.png", 0, 0.6, level="cannot_be_checked"),
        film(5, "e.png", 2, 0.5, level="no_warnings"),
    ]


class TestModel:
    @pytest.mark.parametrize(
        ("order", "keys"),
        [
            (Order.ARRIVAL, [0, 1, 2, 3, 4, 5]),
            (Order.NAME, [3, 1, 0, 2, 4, 5]),
            (Order.CLASS, [1, 4, 0, 5, 2, 3]),
            (Order.MOST_PROBABLE, [1, 0, 4, 5, 2, 3]),
            (Order.LEAST_PROBABLE, [5, 4, 0, 1, 2, 3]),
            (Order.LEAST_BELIEVABLE, [3, 1, 4, 0, 5, 2]),
        ],
    )
    def test_it_is_sorted_also_while_films_come(
        self, rows: list[ListedFilm], order: Order, keys: list[int]
    ) -> None:
        model = model_of(rows)
        model.choose(Choice(order=order))
        assert list(model.shown) == keys
        growing = model_of([])
        growing.choose(Choice(order=order))
        for row in rows:
            growing.take([row], [])
        assert list(growing.shown) == keys

    def test_an_answer_that_comes_later_moves_the_film(self, rows: list[ListedFilm]) -> None:
        model = model_of(rows)
        model.choose(Choice(order=Order.MOST_PROBABLE))
        model.take([], [film(5, "e.png", 2, 0.99)])
        assert model.shown[0] == 5
        model.choose(Choice(show=0))
        model.take([], [film(1, "b9.png", 2, 0.9)])
        assert list(model.shown) == [4]
        model.take([], [film(0, "b10.png", 0, 0.9)])
        assert list(model.shown) == [0, 4]

    def test_a_verdict_that_moves_nothing_only_redraws_its_row(
        self, rows: list[ListedFilm], qtbot: object
    ) -> None:
        model = model_of(rows)
        changed: list[int] = []
        resets: list[bool] = []
        model.dataChanged.connect(lambda first, last: changed.extend((first.row(), last.row())))
        model.modelReset.connect(lambda: resets.append(True))
        model.take([], [film(3, "a.png", 1, 0.8, level="no_warnings")])
        assert (changed, resets) == ([3, 3], [])
        assert "No warnings" in model.words(3).tip

    def test_films_it_does_not_know_are_not_changed_or_removed(
        self, rows: list[ListedFilm]
    ) -> None:
        model = model_of(rows)
        model.take([], [film(77)])
        model.remove([78])
        assert model.n_films == 6

    def test_removed_films_are_gone(self, rows: list[ListedFilm]) -> None:
        model = model_of(rows)
        model.choose(Choice(show=1))
        model.remove([0, 1, 0])
        assert list(model.shown) == []  # the answer of 3 is withheld
        model.choose(Choice())
        assert list(model.shown) == [2, 3, 4, 5]
        assert model.rowCount() == 4
        model.clear()
        assert (model.rowCount(), model.n_films) == (0, 0)

    def test_neighbours_are_those_that_are_shown(self, rows: list[ListedFilm]) -> None:
        model = model_of(rows)
        model.choose(Choice(show=0))  # 1 and 4
        assert model.neighbour(1, 1) == 4
        assert model.neighbour(4, 1) is None
        assert model.neighbour(1, -1) is None

    @pytest.mark.parametrize(
        ("key", "before", "after"), [(0, None, 1), (2, 1, 4), (3, 1, 4), (5, 4, None)]
    )
    def test_a_hidden_film_has_the_neighbours_it_would_have(
        self, rows: list[ListedFilm], key: int, before: int | None, after: int | None
    ) -> None:
        model = model_of(rows)
        model.choose(Choice(show=0))
        assert (model.neighbour(key, -1), model.neighbour(key, 1)) == (before, after)
        assert model.neighbour(99, 1) is None

    def test_words_follow_the_language(self, rows: list[ListedFilm]) -> None:
        model = model_of(rows)
        assert model.words(0).answer == "Normal"
        set_language("zh_CN")
        try:
            model.set_classes(("新冠肺炎", "正常肺部", "病毒性肺炎"))
            assert model.words(0).answer == "正常肺部"
            assert model.words(2).answer == "未能阅片"
        finally:
            set_language("en")

    def test_what_is_foreign_in_a_tip_is_no_markup(self) -> None:
        model = model_of([film(0, "<b>a.png")])
        assert "&lt;b&gt;a.png" in str(model.data(model.index(0), Qt.ItemDataRole.ToolTipRole))
        assert model.data(model.index(0)) == "<b>a.png"
        assert model.data(model.index(5)) is None

    def test_it_keeps_the_rules_of_qt_s_models(self, qtmodeltester: ModelTester) -> None:
        random.seed(5)
        model = model_of([])
        qtmodeltester.check(model)
        key = 0
        for _ in range(60):
            match random.randrange(5):
                case 0 | 1:
                    new = [film(key + n, f"{n}.png", random.randrange(3)) for n in range(7)]
                    key += 7
                    model.take(new, [])
                case 2:
                    some = list(model.shown)[:4]
                    model.take([], [film(one, "b.png", random.randrange(3)) for one in some])
                case 3:
                    model.remove(random.sample(range(key + 1), min(key, 3)))
                case 4:
                    show = random.choice([Show.ALL, 0, 1, Show.REFUSED])
                    model.choose(Choice(show, "", random.choice(list(Order))))
            assert model.rowCount() == len(model.shown)
            assert [model.row_of(one) for one in model.shown] == list(range(model.rowCount()))
