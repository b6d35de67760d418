"""Films are chosen, compared, explained and put away."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QListView, QSlider, QWidget

from app.widgets.labels import Chip
from app.widgets.viewer.layers import HeatLayer
from core.data.dataset import LoadedDataset
from core.prediction.novelty import Neighbour
from tests.app.hands import field, press, speak, wait_until
from tests.app.pretended_explanations import DOUBT, SIDE
from tests.app.pretended_reading import digest_of, opinion
from tests.app.reading.read_bench import Bench
from tests.core.prediction.made_results import COVID, NORMAL, VIRAL, novelty, opinion_of

Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton


def rows(bench: Bench, *numbers: int) -> None:
    """Choose rows of the list by their numbers, as a mouse with Ctrl does."""
    view = bench.film_list._view
    how = QItemSelectionModel.SelectionFlag
    bench.film_list.keys_in_order()
    for place, number in enumerate(numbers):
        view.selectionModel().select(
            view.model().index(number, 0), how.Select if place else how.ClearAndSelect
        )
    bench.settle()


def names(bench: Bench) -> list[str]:
    """Of the films in the panes that are in sight."""
    return [pane.name for pane in bench.viewer.panes]


def heat(bench: Bench, pane: int = 0) -> HeatLayer | None:
    """Return the overlays of a film."""
    return bench.viewer.panes[pane].overlays.visible_heat


def shows(bench: Bench, label: int, method: str = "occlusion", pane: int = 0) -> bool:
    """True where the heat map of this class lies over a film."""
    layer = heat(bench, pane)
    if layer is None:
        return False
    strips = [(0.9, (place + 0.5) / SIDE) for place in range(SIDE)]
    if method == "occlusion":
        strips = [(across, down) for down, across in strips]
    return [layer.value_at(*strip) for strip in strips] == [place == label for place in range(SIDE)]


def class_rows(bench: Bench) -> QListView:
    """The rows of probabilities."""
    return field(bench.panel, QListView, "Probabilities of the classes")


def key(widget: QWidget, which: Key) -> None:
    """Press a key where the focus is put before, as a user does."""
    widget.setFocus()
    QTest.keyClick(widget, which)


class TestOneFilm:
    def test_the_first_film_is_shown_at_once(self, opened: Bench, films: list[Path]) -> None:
        opened.read(*films[:2])
        assert opened.desk.current is opened.films[0]
        assert names(opened) == ["a.png"]
        state = opened.viewer.panes[0].state
        assert state is not None
        assert state.film.values.shape == (40, 30)

    def test_its_answer_stands_beside_it(self, opened: Bench, films: list[Path]) -> None:
        opened.readings.opinions["a.png"] = opinion(COVID)
        opened.read(films[0])
        assert {"a.png", "COVID-19"} <= set(opened.said())
        assert "calibrated" in [chip.words for chip in opened.panel.findChildren(Chip)]
        first = class_rows(opened).model().index(0, 0)
        assert first.data() == "COVID-19"
        assert "80.0%" in first.data(Qt.ItemDataRole.AccessibleTextRole)

    def test_an_unsure_answer_is_a_question(self, opened: Bench, films: list[Path]) -> None:
        opened.readings.opinions["a.png"] = opinion(COVID, candidates=(COVID, VIRAL))
        opened.read(films[0])
        assert "Not sure: COVID-19?" in opened.said()

    def test_another_film_is_chosen(self, opened: Bench, films: list[Path]) -> None:
        opened.readings.opinions["b.png"] = opinion(VIRAL)
        _, second = opened.read(*films[:2])
        opened.choose(second)
        assert names(opened) == ["b.png"]
        assert {"b.png", "Viral pneumonia"} <= set(opened.said())
        assert shows(opened, VIRAL)

    def test_the_keys_of_the_viewer_step_through_the_list(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(*films[:3])
        seen = []
        for which in (Key.Key_Right, Key.Key_PageDown, Key.Key_Right, Key.Key_Left):
            key(opened.viewer.panes[0], which)
            opened.settle()
            seen += names(opened)
        assert seen == ["b.png", "c.png", "c.png", "b.png"]  # it ends with the last film

    def test_enter_in_the_list_gives_the_keys_to_the_film(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(*films[:2])
        opened.film_list.setFocus()
        key(opened.film_list._view, Key.Key_Return)
        assert opened.viewer.panes[0].hasFocus()

    def test_a_film_that_was_moved_away_keeps_its_answer(
        self, opened: Bench, films: list[Path]
    ) -> None:
        _, second = opened.read(*films[:2])
        films[1].unlink()
        opened.choose(second)
        assert "b.png" in opened.viewer.panes[0].text
        assert "Normal" in opened.said()

    def test_of_a_film_that_was_moved_away_no_reasons_are_awaited(
        self, opened: Bench, films: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.reading.desk_viewmodel._explain", lambda _wish: iter(()))
        _, second = opened.read(*films[:2])
        films[1].unlink()
        opened.choose(second)
        chips = {chip.words for chip in opened.panel.findChildren(Chip)}
        assert "not examined" in chips


class TestWithheld:
    def test_an_answer_that_is_not_reliable_is_shown_only_to_those_who_ask(
        self, opened: Bench, films: list[Path]
    ) -> None:
        strange = novelty(is_from_elsewhere=True)
        opened.readings.opinions["a.png"] = opinion_of(COVID, novelty=strange)
        opened.read(films[0])
        [film] = opened.films
        assert film.verdict.level == "not_reliable"
        assert not any("COVID" in text for text in opened.said())
        assert "COVID" not in opened.row(film.key).tip
        assert not opened.panel.bars.isVisible()
        assert heat(opened) is None
        press(opened.panel, "Show anyway")
        assert any("COVID" in text for text in opened.said())
        assert "COVID" in opened.row(film.key).tip
        assert opened.panel.bars.isVisible()
        assert heat(opened) is not None


class TestTruth:
    @pytest.fixture
    def known(self, opened: Bench, loaded: LoadedDataset, film_files: list[Path]) -> Bench:
        """The films of the open dataset: COVID, Normal, Viral pneumonia."""
        opened.reading.set_dataset(loaded)
        opened.read(*film_files)
        return opened

    def test_an_answer_is_called_right_or_wrong_where_the_truth_is_known(
        self, known: Bench, films: list[Path]
    ) -> None:
        known.choose(known.films[1])
        assert "True class: Normal (✓ right)" in known.said()
        known.choose(known.films[0])
        assert "True class: COVID-19 (× wrong)" in known.said()
        known.read(films[0])
        known.choose(known.films[-1])
        assert not any("True class" in text for text in known.said())

    @pytest.mark.parametrize(
        ("part", "words"),
        [
            ("train", "Seen in training: the model learned this very X-ray"),
            ("validation", "Used in validation: this X-ray helped to choose the model"),
        ],
    )
    def test_a_film_that_the_model_learned_from_proves_nothing(
        self, bench: Bench, films: list[Path], part: str, words: str
    ) -> None:
        bench.readings.split = {part: (digest_of(films[0]),)}
        bench.open()
        _, second = bench.read(*films[:2])
        assert any(text.startswith(words) for text in bench.said())
        bench.choose(second)
        assert not any(text.startswith(words) for text in bench.said())

    def test_neighbours_wear_the_pictures_of_the_open_dataset(
        self, opened: Bench, films: list[Path], loaded: LoadedDataset
    ) -> None:
        digest = loaded.dataset.records[0].digest
        near = (Neighbour(COVID, digest, 0.1, None),)
        opened.readings.opinions["a.png"] = opinion(COVID, neighbours=near)
        opened.reading.set_dataset(loaded)
        shown: list[Path] = []
        take = opened.panel.trust.show_film
        opened.panel.trust.show_film = lambda *all: (shown.append(all[0]), take(*all))
        opened.read(films[0])
        np.testing.assert_array_equal(
            shown[-1].opinion.neighbours[0].thumbnail, loaded.cache.thumbnail(digest)
        )


class TestRefused:
    def test_its_row_says_why_and_is_put_away_like_a_film(
        self, opened: Bench, films: list[Path], broken_film: Path
    ) -> None:
        opened.read(films[0], broken_film)
        [refused] = opened.reading.refused
        assert opened.row(refused.key).answer == "not read"
        opened.film_list.choose(refused.key)
        assert str(refused.refusal.reason) in opened.said()
        assert "not read" in opened.said()
        assert not opened.panel.bars.isVisible()
        assert not opened.panel.trust.isVisible()
        assert opened.desk.current is None
        assert opened.viewer.panes[0].state is None  # the film before it is not seen any more
        key(opened.film_list._view, Key.Key_Delete)
        opened.settle()
        assert opened.reading.refused == []
        assert names(opened) == ["a.png"]


class TestSeveralFilms:
    def test_chosen_rows_stand_side_by_side_and_each_is_explained_once(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(*films)
        for n in (2, 3, 4):
            rows(opened, *range(1, 1 + n))
            assert names(opened) == ["b.png", "c.png", "d.png", "e.png"][:n]
            assert all(shows(opened, NORMAL, pane=pane) for pane in range(n))
        asked = opened.explanations.asked
        assert sorted(asked) == [(f"{name}.png", NORMAL) for name in "abcde"]
        rows(opened, 3)
        assert names(opened) == ["d.png"]

    def test_a_layout_is_filled_with_the_films_that_follow(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(*films)
        opened.choose(opened.films[1])
        key(opened.viewer.panes[0], Key.Key_D)
        opened.settle()
        assert names(opened) == ["b.png", "c.png"]
        key(opened.viewer.panes[0], Key.Key_D)
        opened.settle()
        assert names(opened) == ["b.png", "c.png", "d.png", "e.png"]

    def test_a_film_goes_into_the_pane_that_was_chosen(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(*films)
        opened.viewer.set_n_panes(2)
        QTest.mouseClick(opened.viewer.panes[1], LEFT, pos=QPoint(9, 9))
        assert opened.desk.current is opened.films[1]
        opened.choose(opened.films[4])
        assert names(opened) == ["a.png", "e.png"]

    def test_the_panel_speaks_of_the_pane_that_is_chosen(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.readings.opinions["b.png"] = opinion(COVID)
        opened.read(*films[:2])
        opened.viewer.set_n_panes(2)
        key(opened.viewer.panes[0], Key.Key_N)
        assert {"b.png", "COVID-19"} <= set(opened.said())

    def test_a_pane_without_a_film_says_nothing_of_the_other(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(films[0])
        opened.viewer.set_n_panes(2)
        opened.viewer.choose_pane(1)
        assert opened.desk.current is None
        assert "a.png" not in opened.said()


class TestPuttingAway:
    def test_the_next_film_takes_the_place(self, opened: Bench, films: list[Path]) -> None:
        opened.read(*films[:3])
        opened.choose(opened.films[1])
        key(opened.film_list._view, Key.Key_Delete)
        opened.settle()
        assert names(opened) == ["c.png"]
        assert opened.desk.current is opened.films[1]

    def test_after_the_last_nothing_is_shown(self, opened: Bench, films: list[Path]) -> None:
        opened.read(films[0])
        opened.reading.remove([opened.films[0].key])
        assert opened.viewer.panes[0].state is None
        assert opened.desk.current is None
        assert not opened.panel.bars.isVisible()

    def test_many_films_go_at_once(self, opened: Bench, films: list[Path]) -> None:
        opened.read(*films)
        arranged: list[bool] = []
        opened.film_list.arranged.connect(lambda: arranged.append(True))
        opened.film_list._view.selectAll()
        key(opened.film_list._view, Key.Key_Delete)
        opened.settle()
        assert opened.films == []
        assert len(arranged) <= 2  # laid out anew for each of ten thousand, it would take minutes

    def test_clearing_empties_everything(self, opened: Bench, films: list[Path]) -> None:
        opened.read(*films)
        rows(opened, 0, 1)
        opened.reading.clear()
        assert opened.film_list.keys_in_order() == []
        assert opened.viewer.n_panes == 1
        assert all(pane.state is None for pane in opened.viewer._panes)
        assert opened.desk.current is None
        assert opened.desk.listed == []


class TestHeat:
    @pytest.fixture
    def shown(self, opened: Bench, films: list[Path]) -> Bench:
        """Two films, the first of them in sight and explained."""
        opened.read(*films[:2])
        return opened

    def test_the_heat_of_the_answer_lies_over_the_film_until_another_class_is_chosen(
        self, shown: Bench
    ) -> None:
        view = class_rows(shown)
        classes = field(shown.panel, QComboBox, "Class of the heat map")
        assert shows(shown, NORMAL)
        assert shown.desk.current_label == NORMAL
        assert shown.viewer.panes[0].overlays.stamp == ""  # the map passed its checks

        place = view.visualRect(view.model().index(2, 0)).center()
        QTest.mouseClick(view.viewport(), LEFT, pos=place)
        shown.settle()
        assert shown.explanations.asked == [("a.png", NORMAL), ("a.png", VIRAL)]
        assert shows(shown, VIRAL)
        assert shown.panel.bars.chosen_class == VIRAL
        assert classes.currentIndex() == VIRAL

        shown.choose(shown.films[1])
        assert shows(shown, NORMAL)
        shown.choose(shown.films[0])  # a film keeps its class and is not explained again
        assert shows(shown, VIRAL)
        assert len(shown.explanations.asked) == 3

        classes.setCurrentIndex(COVID)
        classes.activated.emit(COVID)
        shown.settle()
        assert shows(shown, COVID)
        assert shown.panel.bars.chosen_class == COVID

    def test_the_map_is_there_before_it_is_examined(self, opened: Bench, films: list[Path]) -> None:
        opened.explanations.gate.clear()
        opened.reading.read(films[:1])
        wait_until(lambda: shows(opened, NORMAL, "cam"))
        assert not field(opened.panel, QComboBox, "Method of the heat map").isEnabled()
        opened.explanations.gate.set()
        opened.settle()
        assert field(opened.panel, QComboBox, "Method of the heat map").isEnabled()

    def test_the_keys_go_through_the_classes(self, shown: Bench) -> None:
        view, seen = class_rows(shown), []
        view.setFocus()
        for _ in range(2):
            key(view, Key.Key_Down)
            shown.settle()
            seen.append(shown.panel.bars.chosen_class)
        assert seen == [COVID, VIRAL]
        assert shows(shown, VIRAL)
        assert [index.row() for index in view.selectedIndexes()] == [2]

    def test_switch_opacity_and_outline_are_the_same_in_panel_and_viewer(
        self, shown: Bench
    ) -> None:
        boxes = {one.text(): one for one in shown.panel.findChildren(QCheckBox)}
        boxes["Heat map"].click()
        assert not shown.viewer.is_heat_shown
        assert heat(shown) is None
        key(shown.viewer.panes[0], Key.Key_O)
        assert boxes["Heat map"].isChecked()
        assert heat(shown) is not None

        slider = field(shown.panel, QSlider, "Opacity of the heat map")
        assert slider.value() == round(100 * shown.viewer.opacity)
        slider.setValue(30)
        assert shown.viewer.opacity == 0.3
        key(shown.viewer.panes[0], Key.Key_BracketRight)
        assert slider.value() == 40

        assert shown.viewer.panes[0].overlays.lines
        assert boxes["Lung outline"].isChecked()
        boxes["Lung outline"].click()
        assert not shown.viewer.panes[0].overlays.lines
        shown.choose(shown.films[1])
        assert not shown.viewer.panes[0].overlays.lines
        boxes["Lung outline"].click()
        assert shown.viewer.panes[0].overlays.lines

    def test_the_second_method_shows_its_own_map_of_the_next_film_too(self, shown: Bench) -> None:
        choose_method(shown, "occlusion")
        assert shows(shown, NORMAL, "occlusion")
        shown.explanations.gate.clear()
        shown.film_list.choose(shown.films[1].key)
        wait_until(lambda: heat(shown) is not None)
        methods = field(shown.panel, QComboBox, "Method of the heat map")
        assert shows(shown, NORMAL, "cam")  # until the other map is there
        assert methods.currentData() == "cam"
        shown.explanations.gate.set()
        shown.settle()
        assert shows(shown, NORMAL, "occlusion")
        assert methods.currentData() == "occlusion"

    def test_a_map_that_failed_its_checks_is_drawn_on_demand_and_stamped(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.explanations.is_trustworthy = False
        opened.read(films[0])
        assert heat(opened) is None
        assert opened.viewer.panes[0].overlays.stamp == ""
        press(opened.panel.heat, "Draw it anyway")
        assert heat(opened) is not None
        assert str(DOUBT) in opened.viewer.panes[0].overlays.stamp


def choose_method(bench: Bench, method: str) -> None:
    """As a user picks it."""
    methods = field(bench.panel, QComboBox, "Method of the heat map")
    place = methods.findData(method)
    methods.setCurrentIndex(place)
    methods.activated.emit(place)


class TestVerdict:
    def test_it_changes_when_the_heat_was_examined(self, opened: Bench, films: list[Path]) -> None:
        opened.explanations.is_trustworthy = False
        opened.explanations.gate.clear()
        opened.reading.read(films[:1])
        wait_until(lambda: heat(opened) is not None)
        [film] = opened.films
        assert "No warnings" in opened.row(film.key).tip
        opened.explanations.gate.set()
        opened.settle()
        assert "Caution" in opened.row(film.key).tip
        assert str(DOUBT) in opened.said()

    def test_the_heat_of_another_class_says_nothing_of_the_answer(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(films[0])
        opened.explanations.is_trustworthy = False
        opened.panel.bars.class_chosen.emit(VIRAL)
        opened.settle()
        assert "No warnings" in opened.row(opened.films[0].key).tip

    def test_a_film_unlike_all_others_is_not_to_be_believed(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.readings.opinions["a.png"] = opinion(COVID, is_familiar=False)
        opened.read(films[0])
        assert "Not reliable" in opened.row(opened.films[0].key).tip


class TestLateNews:
    def test_of_a_film_that_was_put_away_is_not_told(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.explanations.gate.clear()
        opened.reading.read(films[:2])
        wait_until(lambda: heat(opened) is not None)
        opened.reading.remove([opened.films[0].key])
        opened.explanations.gate.set()
        opened.settle()
        assert names(opened) == ["b.png"]
        assert opened.explanations.asked == [("a.png", NORMAL), ("b.png", NORMAL)]

    def test_of_all_films_after_clearing_is_not_told(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.explanations.gate.clear()
        opened.reading.read(films[:2])
        wait_until(lambda: heat(opened) is not None)
        opened.reading.clear()
        opened.explanations.gate.set()
        opened.settle()
        assert heat(opened) is None

    def test_of_a_film_out_of_sight_is_not_laid_over_another(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.readings.opinions["a.png"] = opinion(VIRAL)
        opened.explanations.gate.clear()
        opened.reading.read(films[:2])
        wait_until(lambda: heat(opened) is not None)
        opened.film_list.choose(opened.films[1].key)
        opened.explanations.gate.set()
        opened.settle()
        assert shows(opened, NORMAL)

    def test_of_another_class_is_not_shown(self, opened: Bench, films: list[Path]) -> None:
        opened.explanations.gate.clear()
        opened.reading.read(films[:1])
        wait_until(lambda: heat(opened) is not None)
        opened.panel.bars.class_chosen.emit(VIRAL)
        opened.explanations.gate.set()
        opened.settle()
        assert shows(opened, VIRAL)


class TestAnotherModel:
    def test_the_films_are_read_again_and_the_first_is_shown(
        self, opened: Bench, films: list[Path]
    ) -> None:
        opened.read(*films[:3])
        opened.choose(opened.films[2])
        opened.readings.opinions["a.png"] = opinion(VIRAL)
        opened.open()
        assert [film.name for film in opened.films] == ["a.png", "b.png", "c.png"]
        assert names(opened) == ["a.png"]
        assert "Viral pneumonia" in opened.said()
        assert shows(opened, VIRAL)

    def test_its_reasons_are_found_anew(self, opened: Bench, films: list[Path]) -> None:
        opened.read(films[0])
        opened.open()
        assert opened.explanations.asked == [("a.png", NORMAL)] * 2

    def test_a_class_that_was_chosen_is_forgotten(self, opened: Bench, films: list[Path]) -> None:
        opened.read(films[0])
        opened.panel.bars.class_chosen.emit(VIRAL)
        opened.settle()
        opened.open()
        assert opened.desk.current_label == NORMAL


def test_what_is_listed_follows_filter_and_order(opened: Bench, films: list[Path]) -> None:
    opened.readings.opinions["a.png"] = opinion(COVID)
    opened.read(*films[:3])
    order = field(opened.film_list, QComboBox, "Order of the films")
    order.setCurrentIndex(order.findText("By name"))
    chooser = field(opened.film_list, QComboBox, "Which films are shown")
    chooser.setCurrentIndex(chooser.findText("Normal"))
    assert [film.name for film in opened.desk.listed] == ["b.png", "c.png"]


def test_words_follow_the_language(opened: Bench, films: list[Path]) -> None:
    opened.read(*films[:2])
    speak("zh_CN")
    assert "正常肺部" in opened.said()
    assert "已校准" in [chip.words for chip in opened.panel.findChildren(Chip)]
    assert opened.row(opened.films[0].key).answer == "正常肺部"
    speak("en")
    assert "Normal" in opened.said()
    assert opened.row(opened.films[0].key).answer == "Normal"
    assert shows(opened, NORMAL)


def test_a_hidden_list_is_still_stepped_through(opened: Bench, films: list[Path]) -> None:
    opened.read(*films[:2])
    opened.desk.set_alone(True)
    key(opened.viewer.panes[0], Key.Key_Right)
    opened.settle()
    assert names(opened) == ["b.png"]
    assert not opened.film_list.isVisible()
    opened.desk.set_alone(False)
    assert opened.film_list.isVisible()
