import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from app.data.split_viewmodel import SplitViewModel
from app.tasks import TaskRunner
from app.training.viewmodel import TrainingViewModel
from core.data.dataset import LoadedDataset
from core.data.edits import Edits
from core.data.records import Dataset, GivenPart, Record
from core.errors import ConfigError
from core.workspace import Workspace


class DatasetInFront(QObject):
    """The part of the Data page that the Split tab needs, with films that only have names."""

    loaded, changed = Signal(object), Signal()

    def __init__(self) -> None:
        super().__init__()
        self.dataset: LoadedDataset | None = None

    def show(self, dataset: LoadedDataset | None) -> None:
        self.dataset = dataset
        if dataset is not None:
            self.loaded.emit(dataset)
        self.changed.emit()

    def edit(self, change: Callable[[Edits], Edits]) -> None:
        assert self.dataset is not None
        self.show(self.dataset.edited(change(self.dataset.edits)))


def films(
    *names: str, in_file: str = "", given: dict[str, GivenPart] | None = None
) -> LoadedDataset:
    """Of `<class>/<file>`; `in_file` is the patient that all DICOM files name."""
    classes = tuple(sorted({name.split("/")[0] for name in names}))
    records = tuple(
        Record(
            name,
            Path(name),
            f"{number:064x}",
            classes.index(name.split("/")[0]),
            given=(given or {}).get(name),
        )
        for number, name in enumerate(sorted(names))
    )
    headers = {
        record.digest: SimpleNamespace(patient=in_file and f"{in_file}{record.digest[-2:-1]}")
        for record in records
    }
    found = Dataset((Path("films.zip"),), classes, records, ())
    cache, survey = SimpleNamespace(headers=headers), SimpleNamespace(same_image=())
    return LoadedDataset.of(found, Edits(), cache, survey)  # type: ignore[arg-type]


def of_patients() -> LoadedDataset:
    """Ten patients a class with two films each."""
    return films(
        *(
            f"{c}/{c}{patient:02d}_{film}.png"
            for c in "AB"
            for patient in range(10)
            for film in "12"
        )
    )


@pytest.fixture
def data() -> DatasetInFront:
    return DatasetInFront()


@pytest.fixture
def training(runner: TaskRunner, workspace: Workspace) -> TrainingViewModel:
    return TrainingViewModel(runner, workspace)


@pytest.fixture
def model(data: DatasetInFront, training: TrainingViewModel) -> SplitViewModel:
    return SplitViewModel(data, training)  # type: ignore[arg-type]


def test_without_a_dataset_there_is_nothing(model: SplitViewModel) -> None:
    assert model.splits is model.error is model.figures is model.example is None
    assert (model.rows, model.n_crossing, model.candidates) == ((), 0, {})
    model.set_pattern("")
    model.save_table(Path("none"))


class TestPatients:
    def test_they_are_counted(self, model: SplitViewModel, data: DatasetInFront) -> None:
        data.show(films(*(f"A/p{n}_{film}.png" for n in range(5) for film in "123"), "B/p1_4.png"))
        model.set_pattern("before_underscore")
        figures = model.figures
        assert figures is not None
        assert (figures.n_patients, figures.most_films, figures.n_in_two_classes) == (5, 4, 1)
        assert figures.mean_films == pytest.approx(16 / 5)

    def test_films_that_fit_no_pattern_are_counted(
        self, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(films("A/p1_1.png", "A/p1_2.png", "A/x.png", "B/p2_1.png", "B/y.png"))
        model.set_pattern("{patient}_*")
        assert model.figures is not None
        assert (model.figures.n_patients, model.figures.n_unknown) == (4, 2)
        model.set_pattern("single_images")
        assert model.figures.n_unknown == 5

    def test_a_pattern_is_found_with_an_example(
        self, qtbot: QtBot, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(of_patients())
        assert (model.chosen_pattern, model.pattern) == ("", "before_underscore")
        assert model.example == ("A00_1.png", "A00")
        # How many patients each known pattern would give.
        assert model.candidates == {"folder": 0, "before_underscore": 20, "before_last_number": 20}
        with qtbot.assertNotEmitted(model.changed):
            model.set_pattern("")  # the same is no edit

    def test_an_own_pattern_becomes_an_edit(
        self, qtbot: QtBot, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(of_patients())
        with qtbot.waitSignal(model.changed):
            model.set_pattern("A{patient}_*")
        assert data.dataset is not None
        assert data.dataset.edits == Edits(patients="A{patient}_*")
        assert model.pattern == model.chosen_pattern == "A{patient}_*"
        assert model.example == ("A00_1.png", "00")

    def test_what_is_no_pattern_is_a_message_and_changes_nothing(
        self, qtbot: QtBot, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(of_patients())
        with qtbot.assertNotEmitted(model.changed):
            model.set_pattern("A*")
        assert "does not say where the patient stands" in str(model.pattern_error)
        assert model.example is None
        model.set_pattern("before_underscore")
        assert model.pattern_error is None

    def test_a_pattern_is_tried_while_it_is_written_and_forgotten_with_the_dataset(
        self, qtbot: QtBot, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(of_patients())
        with qtbot.waitSignal(model.pattern_tried), qtbot.assertNotEmitted(model.changed):
            model.try_pattern("{patient}0*")
        assert model.example == ("A00_1.png", "A")
        assert model.pattern == "before_underscore"
        model.try_pattern("nothing")
        data.show(of_patients())
        assert model.pattern_error is None
        assert model.example == ("A00_1.png", "A00")

    def test_patients_of_dicom_files_are_not_shown(
        self, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(films(*(f"{c}/{n}_{c}.dcm" for c in "AB" for n in range(48)), in_file="hash"))
        assert model.pattern == "dicom"
        assert model.example is None


class TestParts:
    def test_every_class_is_counted_and_all_at_the_end(
        self, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(of_patients())
        assert [row.class_name for row in model.rows] == ["A", "B", ""]
        one, *_, everything = model.rows
        assert one.films == {"train": 16, "validation": 2, "test": 1, "kept": 1}
        # The kept film is of the patient who is tested.
        assert one.patients == {"train": 8, "validation": 1, "test": 1, "kept": 1}
        assert (one.n_films, one.n_patients) == (20, 10)
        assert (everything.n_films, everything.n_patients) == (40, 20)

    def test_only_the_reference_lets_patients_cross(
        self, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(of_patients())
        assert model.n_crossing == 0
        model.change(split="reference")
        assert model.n_crossing == 6  # of each class films 0 and 10, and the last one is kept

    def test_settings_are_those_of_the_next_run(
        self, qtbot: QtBot, model: SplitViewModel, training: TrainingViewModel, data: DatasetInFront
    ) -> None:
        data.show(of_patients())
        before = model.splits
        with qtbot.assertNotEmitted(model.changed):
            training.change(epochs=3)  # does not divide
        assert model.splits is before
        with pytest.raises(ConfigError):
            model.change(test_share=0.9)
        with qtbot.waitSignal(model.changed):
            model.change(test_share=0.3)
        assert training.config.test_share == 0.3
        assert model.splits != before
        with qtbot.waitSignal(model.changed):
            training.change(seed=7)
        assert model.config.seed == 7

    def test_fewer_folds_keep_the_fold_among_them(self, model: SplitViewModel) -> None:
        model.change(split="kfold", n_folds=10, fold=9)
        model.change(n_folds=4)
        assert (model.config.n_folds, model.config.fold) == (4, 4)

    def test_a_dataset_that_cannot_be_divided_says_why(
        self, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        model.change(split="given")
        data.show(of_patients())
        assert model.splits is None
        assert model.rows == ()
        assert "is not divided already" in str(model.error)
        model.change(split="stratified")
        assert model.error is None

    def test_given_can_be_chosen_only_where_it_is(
        self, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(of_patients())
        assert model.schemes == ("stratified", "reference", "kfold")
        names = [f"{c}/{c}{n}.png" for c in "AB" for n in range(6)]
        data.show(films(*names, given={name: "test" for name in names[::3]}))
        assert model.schemes == ("stratified", "reference", "given", "kfold")

    def test_a_dataset_that_was_closed_is_forgotten(
        self, qtbot: QtBot, model: SplitViewModel, data: DatasetInFront
    ) -> None:
        data.show(of_patients())
        assert model.splits is not None
        with qtbot.waitSignal(model.changed):
            data.show(None)
        assert model.splits is None
        assert model.rows == ()


class TestTable:
    def test_it_is_written_and_told_until_the_split_changes(
        self, qtbot: QtBot, model: SplitViewModel, data: DatasetInFront, tmp_path: Path
    ) -> None:
        data.show(of_patients())
        model.save_table(tmp_path / "none" / "split.csv")
        assert "cannot be written" in str(model.note)
        path = tmp_path / "split.csv"
        with qtbot.waitSignal(model.noted):
            model.save_table(path)
        assert str(model.note) == f"Saved in {path}"
        with path.open(encoding="utf-8-sig", newline="") as file:
            assert len(list(csv.reader(file))) == 41
        model.change(seed=3)
        assert model.note is None
