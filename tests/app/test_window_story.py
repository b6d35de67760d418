"""The whole story by hand, once: drop a zip, train, evaluate, read; then look at every page."""

import dataclasses
import gettext
import html
import importlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import (
    QApplication,
    QListView,
    QPlainTextEdit,
    QTableWidget,
)

from app import theme
from app.application import Application
from app.i18n import tr
from app.settings import AppSettings
from app.tasks import TaskRunner
from app.training.plots import CurvePlot
from app.widgets.page import DATA, EVALUATE, READ, TRAIN
from app.widgets.setting_fields import NumberBox
from app.widgets.tables import ConfusionMatrixView
from app.widgets.thumbnails import ThumbnailStrip
from core.prediction.reading import FilmResult
from core.runtime.devices import list_devices
from core.workspace import Workspace
from tests.app.hands import (
    FILMS_PER_CLASS,
    drop,
    field,
    label_texts,
    press,
    table_rows,
    wait_until,
    words,
)
from tests.app.whole_program import english_settings, running_application
from tests.made_runs import read_run

HEAVY = (  # what must not be done where the window lives
    ("core.data.cache", "read_film"),
    ("core.prediction.reading", "read_image"),
    ("core.models.onnx", "network_input"),
    ("core.training.final_fit", "gather"),
    ("app.reading.desk_viewmodel", "read_full"),
    ("app.reading.desk_viewmodel", "load_xray"),
    ("core.training.session", "list_devices"),
)


@dataclasses.dataclass
class Story:
    """A program in which the whole job was done."""

    program: Application
    settings: AppSettings
    threads: dict[str, set[threading.Thread]]  # which did the heavy work

    def idle(self) -> bool:
        program = self.program
        return not (
            program.data.is_busy
            or program.training.is_training
            or program.evaluation.is_busy
            or program.reading.is_busy
            or any(runner.is_running for runner in program._background)
        )


@pytest.fixture(scope="module")
def story(
    qapp: QApplication,
    started_runners: WeakSet[TaskRunner],
    films_zip: Path,
    film_files: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    broken = folder / "broken.png"
    broken.write_bytes(b"\x89PNG and no more")
    settings = english_settings(folder)
    with (
        pytest.MonkeyPatch.context() as patch,
        running_application(settings, Workspace(folder / "home"), started_runners) as program,
    ):
        story = Story(program, settings, {})
        watch(patch, story.threads)
        window = program.window
        program.start([], demo=False)

        drop(window, films_zip)
        wait_until(lambda: program.data.report is not None and story.idle())
        press(window.data_page, "Train on these films")
        for name, value in (("Epochs", 2), ("Batch size", 16), ("Image size", 32)):
            field(window.training_page, NumberBox, name).setValue(value)
        press(window.training_page, "Start training")
        wait_until(lambda: program.training.result is not None and story.idle())
        press(window, "Evaluate")  # which evaluates by itself
        wait_until(lambda: program.evaluation.study is not None and story.idle())
        press(window, "Read")
        wait_until(lambda: len(program.reading.films) == 3 and story.idle())
        drop(window, *film_files, broken)
        wait_until(lambda: bool(program.reading.refused) and story.idle())
        yield story


def watch(patch: pytest.MonkeyPatch, threads: dict[str, set[threading.Thread]]) -> None:
    """Note in which threads the heavy functions run."""

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **values: Any) -> Any:
            threads.setdefault(name, set()).add(threading.current_thread())
            return function(*arguments, **values)

        return noted

    for module_name, name in HEAVY:
        module = importlib.import_module(module_name)
        function = getattr(module, name)
        patch.setattr(module, name, noting(f"{module_name}.{name}", function))


def class_table(story: Story) -> QTableWidget:
    """The classes of the overview."""
    return field(story.program.window.data_page.overview, QTableWidget, tr("Classes"))


class TestDataPage:
    @pytest.fixture(autouse=True)
    def _show(self, story: Story) -> None:
        story.program.window.show_page(DATA)

    def test_the_classes_stand_in_a_table_with_counts_and_some_of_their_films(
        self, story: Story
    ) -> None:
        assert [row[:4] for row in table_rows(class_table(story))] == [
            ["COVID-19", "COVID", "20", "33.3%"],
            ["Normal", "NORMAL", "20", "33.3%"],
            ["Viral pneumonia", "Viral_Pneumonia", "20", "33.3%"],
        ]
        strips = story.program.window.data_page.findChildren(ThumbnailStrip)
        assert len(strips) == 3
        for strip in strips:
            colours = {strip.grab().toImage().pixel(x, 48) for x in range(0, 90, 3)}
            assert len(colours) > 10

    def test_films_classes_patients_and_findings_are_counted(self, story: Story) -> None:
        report = story.program.data.report
        assert report is not None
        counts = [str(report.counts[severity]) for severity in ("error", "warning", "note")]
        texts = label_texts(story.program.window.data_page)
        for value, caption in (
            (3 * FILMS_PER_CLASS, "films"),
            (3, "classes"),
            (3 * FILMS_PER_CLASS // 2, "patients"),
            (0, "files left out"),
            (", ".join(counts), "errors, warnings, notes"),
        ):
            assert texts[texts.index(caption) - 1] == str(value)
        assert "Left out" not in texts  # nothing was: there is no list of it


class TestTrainPage:
    @pytest.fixture(autouse=True)
    def _show(self, story: Story) -> None:
        story.program.window.show_page(TRAIN)

    def test_curves_counters_and_run_folder_tell_of_each_batch(self, story: Story) -> None:
        page, history = story.program.window.training_page, story.program.training.history
        assert history.n_batches >= 4
        drawn = [len(plot.series()[0].y) for plot in page.findChildren(CurvePlot)]
        assert drawn == [history.n_batches] * 2
        description, events = read_run(story.program.training.run_folder)
        assert description["status"] == "finished"
        losses = [event["loss"] for event in events if event["event"] == "BatchDone"]
        assert losses == history.loss.tolist()
        texts, last = label_texts(page), history.latest
        assert last is not None
        assert texts[texts.index("epoch") - 1] == "2 / 2"
        assert texts[texts.index("batch") - 1] == f"{last.batches} / {last.batches}"
        speed = texts[texts.index("films per second") - 1]
        assert float(speed) == pytest.approx(last.images_per_second, abs=0.06)
        assert "Finished" in texts

    def test_the_log_tells_of_the_network_the_epochs_and_the_test(self, story: Story) -> None:
        log = story.program.window.training_page.findChild(QPlainTextEdit).toPlainText()
        result = story.program.training.result
        assert result is not None
        assert result.test_accuracy is not None
        started = story.program.training.start_event
        assert started is not None
        assert f"ResNet-18, {started.n_parameters:,} parameters" in log
        assert "Epoch 1: training loss" in log
        assert "Epoch 2: training loss" in log
        assert f"Test films: accuracy {result.test_accuracy:.1%}" in log
        assert str(result.model.parent) in log

    def test_the_form_shows_what_the_run_was_made_with(self, story: Story) -> None:
        started = story.program.training.start_event
        assert started is not None
        assert (started.architecture, started.epochs) == ("resnet18", 2)
        description, _ = read_run(story.program.training.run_folder)
        config = description["config"]
        assert (config["batch_size"], config["preprocessing"]["image_size"]) == (16, 32)


class TestEvaluatePage:
    @pytest.fixture(autouse=True)
    def _show(self, story: Story) -> None:
        story.program.window.show_page(EVALUATE)

    def test_numbers_and_matrix_are_the_evaluations_and_agree_with_training(
        self, story: Story
    ) -> None:
        page, trained = story.program.window.evaluation_page, story.program.training.result
        texts, result = label_texts(page), story.program.evaluation.result.result
        told = texts[texts.index("accuracy (interval, 95%)") - 1]
        assert told.startswith(f"{result.accuracy:.1%} (")
        assert texts[texts.index("X-rays / patients") - 1].startswith(f"{result.n} / ")
        assert trained is not None
        assert result.accuracy == pytest.approx(trained.test_accuracy)
        assert result.loss == pytest.approx(trained.test_loss, abs=1e-4)
        view = page.findChild(ConfusionMatrixView)
        np.testing.assert_array_equal(view._counts, result.confusion)
        assert view._names == ("COVID-19", "Normal", "Viral pneumonia")

    def test_each_class_has_its_measures(self, story: Story) -> None:
        tables = story.program.window.evaluation_page.findChildren(QTableWidget)
        [table] = [one for one in tables if one.columnCount() == 5 and one.rowCount() == 3]
        for row, measures in zip(
            table_rows(table), story.program.evaluation.result.result.classes, strict=True
        ):
            assert row[1] == str(measures.n)
            for shown, value in zip(
                row[2:4], (measures.sensitivity, measures.specificity), strict=True
            ):
                assert shown.startswith("–" if value is None else f"{value:.3f}")


class TestReadPage:
    @pytest.fixture(autouse=True)
    def _show(self, story: Story) -> Iterator[None]:
        story.program.window.show_page(READ)
        yield
        wait_until(story.idle)  # what was looked at is explained

    def test_the_kept_films_come_first_and_with_their_truth(self, story: Story) -> None:
        films = list(story.program.reading.films.values())[:3]
        assert [film.true_class for film in films] == ["COVID", "NORMAL", "Viral_Pneumonia"]
        card = story.program.reading.card
        for film in films:
            choose(story, film.key)
            is_right = film.true_class == card.classes[film.predicted]
            name = card.display_names[film.true_class]["en"]
            verdict = "✓ right" if is_right else "× wrong"
            assert f"True class: {name} ({verdict})" in self.said(story)

    def test_the_dropped_films_follow_and_the_broken_one_is_refused(self, story: Story) -> None:
        films, [refused] = story.program.reading.films, story.program.reading.refused
        desk = story.program.window.reading_page.desk
        assert desk.list.keys_in_order() == [*films, refused.key]
        assert len(films) == 6
        assert refused.name == "broken.png"
        assert "6 films read, 1 refused" in label_texts(story.program.window.reading_page)
        desk.list.choose(refused.key)
        assert str(refused.refusal.reason) in self.said(story)
        assert not desk.panel.bars.isVisible()

    def test_a_film_shows_its_probabilities(self, story: Story) -> None:
        film = choose(story, list(story.program.reading.films)[4])
        page = story.program.window.reading_page
        rows = field(page, QListView, "Probabilities of the classes")
        spoken = [
            rows.model().index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(3)
        ]
        for probability in film.opinion.probabilities:
            assert any(f"{probability:.1%}" in text for text in spoken)

    def test_a_film_is_shown_with_its_heat_map_and_how_far_to_believe_it(
        self, story: Story
    ) -> None:
        film = choose(story, next(iter(story.program.reading.films)))
        desk = story.program.window.reading_page.desk
        wait_until(story.idle)
        [pane] = desk.viewer.panes
        assert pane.name == film.name
        assert pane.state is not None
        film = desk.current
        assert film.checks is not None
        if not film.checks.is_trustworthy:
            assert pane.overlays.heat is None
            press(desk.panel.heat, "Draw it anyway")
        assert pane.overlays.heat is not None
        assert film.checks == story.program.desk.explanation(film.key, film.predicted).checks
        assert {str(reason) for reason in film.verdict.reasons} <= set(self.said(story))

    def test_a_film_that_the_model_learned_from_says_so(self, story: Story) -> None:
        films = story.program.reading.films.values()
        learned = next(film for film in films if film.part == "train")
        choose(story, learned.key)
        assert any("model learned this very X-ray" in text for text in self.said(story))

    def said(self, story: Story) -> list[str]:
        return label_texts(story.program.window.reading_page.desk.panel)


def choose(story: Story, key: int) -> FilmResult:
    """Press a row of the list."""
    page = story.program.window.reading_page
    page.desk.list.choose(key)
    assert page.desk.current is story.program.reading.films[key]
    return page.desk.current


def test_no_film_is_decoded_and_nothing_computed_where_the_window_lives(story: Story) -> None:
    assert set(story.threads) == {f"{module}.{name}" for module, name in HEAVY}
    busy = {name for name, used in story.threads.items() if threading.main_thread() in used}
    assert not busy


CHINESE = re.compile("[\u4e00-\u9fff]")


class _Pretended(gettext.NullTranslations):
    """A catalogue that lacks no sentence."""

    def gettext(self, message: str) -> str:
        return "译" + message


class TestLanguage:
    @pytest.fixture(autouse=True)
    def _show_a_film(self, story: Story) -> None:
        story.program.window.show_page(READ)
        choose(story, next(iter(story.program.reading.films)))
        wait_until(story.idle)

    @pytest.fixture
    def chinese(self, story: Story) -> Iterator[Story]:
        """The story in Chinese, switched to while the window is open."""
        press(story.program.window, "简体中文")
        yield story
        press(story.program.window, "English")

    @pytest.fixture
    def _pretended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def find(domain: str, folder: object, languages: list[str], fallback: bool) -> object:
            return _Pretended() if languages == ["zh_CN"] else gettext.NullTranslations()

        monkeypatch.setattr("app.i18n.gettext.translation", find)

    def untranslated(self, story: Story) -> set[str]:
        """What is said in Latin letters alone and is no name."""
        program = story.program
        dataset, result = program.data.dataset, program.training.result
        assert dataset is not None
        assert result is not None
        names = {
            "PneumoScope",
            "English",
            str(dataset.dataset.sources[0]),
            dataset.dataset.name,
            f"{result.model.parent.name}/{result.model.name}",
            str(result.model),
            *dataset.dataset.classes,
            *(record.name for record in dataset.dataset.records),
            *(PurePosixPath(record.name).name for record in dataset.dataset.records),
            *(film.name for film in program.reading.films.values()),
            *(refused.name for refused in program.reading.refused),
            *(device.description for device in list_devices()),
        }
        left = set()
        for where, text in words(program.window):
            if where.startswith(("QToolButton#ScrollLeft", "QToolButton#ScrollRight")):
                continue  # Qt's own, in the language in which the program began
            head, dots, tail = text.partition("…")
            if dots and any(name.startswith(head) and name.endswith(tail) for name in names):
                continue  # a name that was cut
            rest = html.unescape(text)
            for name in sorted(names, key=len, reverse=True):
                rest = rest.replace(name, "")
            rest = re.sub(
                r"ResNet-\d+|\d+ (px|GiB)|</?qt>|COVID-19|AUROC|PPV|F1|AdamW?|SGD|float32|"
                r"Ctrl(\+\d)?|Shift|Esc|Del|Home|Backspace|PgUp|PgDown",  # keys
                "",
                rest,
            )
            if re.search("[A-Za-z]{2}", rest) and not CHINESE.search(rest):
                left.add(f"{where}: {text}")
        return left

    @pytest.mark.usefixtures("_pretended")
    def test_every_word_of_the_window_can_be_translated(self, chinese: Story) -> None:
        assert self.untranslated(chinese) == set()

    def test_every_word_of_the_window_is_translated(self, chinese: Story) -> None:
        assert self.untranslated(chinese) == set()
        assert chinese.settings.language == "zh_CN"  # the choice is remembered
        names = {row[0] for row in table_rows(class_table(chinese))}
        assert {"正常肺部", "病毒性肺炎", "新冠肺炎"} <= names
        view = chinese.program.window.evaluation_page.findChild(ConfusionMatrixView)
        assert view._names == ("新冠肺炎", "正常肺部", "病毒性肺炎")

    @pytest.mark.usefixtures("_pretended")
    def test_the_test_sees_what_is_not_translated(self, story: Story) -> None:
        assert len(self.untranslated(story)) > 50

    def test_back_in_english_everything_is_said_as_before(self, story: Story) -> None:
        def said() -> Counter[tuple[str, str]]:
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            return Counter((where, text) for where, text in words(window) if text)

        window = story.program.window
        before = said()
        press(window, "简体中文")
        assert said() != before
        press(window, "English")
        assert said() == before


def shares(story: Story) -> dict[int, Counter[str]]:
    """How much of each page each colour has, in per cent."""
    window = story.program.window
    found = {}
    for page in (DATA, TRAIN, EVALUATE, READ):
        window.show_page(page)
        wait_until(story.idle)  # charts are drawn in the theme
        for plot in window.findChildren(CurvePlot):
            plot.redraw()
        picture = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        pixels = np.frombuffer(picture.constBits(), np.uint32)
        colours, counts = np.unique(pixels, return_counts=True)
        found[page] = Counter(
            {
                QColor.fromRgb(int(colour)).name(): 100 * int(count) / pixels.size
                for colour, count in zip(colours, counts, strict=True)
            }
        )
    return found


def test_no_page_keeps_the_other_theme(story: Story) -> None:
    dark, bright = theme.colours("dark"), theme.colours("light")
    before = shares(story)
    press(story.program.window, "Light")
    assert story.settings.theme == "light"
    for share in shares(story).values():
        assert share[bright["background"]] > 5
        for ground in ("background", "panel", "raised", "field"):
            assert share[dark[ground]] < 0.05, f"{ground} is dark still"
    press(story.program.window, "Dark")
    after = shares(story)
    for name in ("background", "panel", "raised", "field", "text"):
        for page, share in after.items():
            assert share[dark[name]] == pytest.approx(before[page][dark[name]], abs=0.5)
