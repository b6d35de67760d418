"""A table beside the images, inside them or dropped later is offered for their labels."""

import zipfile
from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.data.labels_form import LabelsForm
from app.data.viewmodel import DataViewModel
from app.tasks import TaskRunner
from core.data.labels import LabelOffer
from core.workspace import Workspace
from tests.app.hands import WAIT_MS, button, field, label_texts, press, wait_until
from tests.app.pretended import Audits

HEADER = "file,kind,other,patient"


@pytest.fixture
def model(
    runner: TaskRunner, auditing: TaskRunner, workspace: Workspace, audits: Audits
) -> DataViewModel:
    audits.gate.set()
    return DataViewModel(runner, auditing, workspace)


@pytest.fixture
def form(qtbot: QtBot, model: DataViewModel) -> LabelsForm:
    form = LabelsForm(model)
    qtbot.addWidget(form)
    form.show()
    return form


@pytest.fixture
def flat(films_zip: Path, tmp_path: Path) -> Path:
    """Twelve films in one folder, and no table."""
    path = tmp_path / "flat.zip"
    with zipfile.ZipFile(films_zip) as old, zipfile.ZipFile(path, "w") as new:
        films = [name for name in old.namelist() if name.endswith(".png")][:12]
        for number, name in enumerate(films):
            new.writestr(f"images/{number}.png", old.read(name))
    return path


def rows(several: bool = False) -> str:
    lines = [f"{n}.png,{'AB'[n % 2]},{'XYZ'[n % 3]},P{n // 2}" for n in range(12)]
    if several:
        lines[0] = lines[0].replace(",A,", ",A|B,")
    return "\n".join([HEADER, *lines, "gone.png,A,X,P9"])


def with_table(flat: Path, text: str) -> Path:
    with zipfile.ZipFile(flat, "a") as zipped:
        zipped.writestr("meta/labels.csv", text)
    return flat


def offered(qtbot: QtBot, model: DataViewModel, *paths: Path) -> LabelOffer:
    with qtbot.waitSignal(model.labels_offered, timeout=WAIT_MS) as got:
        model.open(paths)
    wait_until(lambda: not model.is_busy)
    return got.args[0]


def pick(box: QComboBox, text: str) -> None:
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


def chosen(form: LabelsForm, name: str) -> QComboBox:
    return field(form, QComboBox, name)


def summary(form: LabelsForm) -> str:
    starts = ("Classes: ", "Images found", "Images with")
    return next(text for text in label_texts(form) if text.startswith(starts))


def test_a_table_inside_a_zip_without_class_folders_is_offered_and_used(
    qtbot: QtBot, model: DataViewModel, form: LabelsForm, flat: Path
) -> None:
    offer = offered(qtbot, model, with_table(flat, rows()))
    assert model.dataset is None
    assert offer.choice.image == "file"
    assert chosen(form, "Patient").currentText() == "patient"
    assert chosen(form, "Labels").currentText() == "The class folders"  # two columns would do
    pick(chosen(form, "Labels"), "other")
    assert summary(form).startswith("Classes: X 4, Y 4, Z 4\nImages found: 12; without a row: 0;")
    pick(chosen(form, "Labels"), "kind")
    assert "rows without an image: 1" in summary(form)
    with qtbot.waitSignal(model.loaded, timeout=WAIT_MS) as loaded:
        press(form, "Use these labels")
    wait_until(lambda: not model.is_busy)
    assert loaded.args[0].dataset.counts == {"A": 6, "B": 6}
    assert loaded.args[0].grouping.n_patients == 6
    assert model.offer is None
    assert model.current is not None
    assert model.current.tables == (flat / "meta/labels.csv",)


def test_several_labels_wait_for_a_decision(
    qtbot: QtBot, model: DataViewModel, form: LabelsForm, flat: Path, tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(rows(several=True), encoding="utf-8")
    offered(qtbot, model, flat, table)
    pick(chosen(form, "Labels"), "kind")
    assert "Images with several labels in labels.csv: 1" in summary(form)
    assert not button(form, "Use these labels").isEnabled()
    pick(chosen(form, "Several labels"), "Leave the image out")
    assert "several labels: 1" in summary(form)
    assert button(form, "Use these labels").isEnabled()
    assert form.choice.several == "exclude"


def test_a_table_alone_is_for_the_dataset_in_front(
    qtbot: QtBot, model: DataViewModel, films_zip: Path, tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(rows(), encoding="utf-8")
    with qtbot.waitSignal(model.failed, timeout=WAIT_MS) as failed:
        model.open([table])
    assert "Drop it together with" in str(failed.args[0].message)
    with qtbot.waitSignal(model.loaded, timeout=WAIT_MS):
        model.open([films_zip])
    wait_until(lambda: not model.is_busy)
    names = zipfile.ZipFile(films_zip).namelist()
    films = [name for name in names if name.endswith(".png")]
    text = "\n".join(["file,label", *(f"{name},{'AB'[n % 2]}" for n, name in enumerate(films))])
    table.write_text(text, encoding="utf-8")
    offer = offered(qtbot, model, table)
    assert offer.sources == (films_zip,)
    model.decline_labels()
    assert model.offer is None
    assert model.dataset is not None


def test_a_table_that_does_not_belong_to_the_images_is_no_offer(
    qtbot: QtBot, model: DataViewModel, flat: Path
) -> None:
    with qtbot.waitSignal(model.failed, timeout=WAIT_MS) as failed:
        model.open([with_table(flat, "name,value\nx,a\ny,b\n")])
    wait_until(lambda: not model.is_busy)
    assert "do not lie in class folders" in str(failed.args[0].message)
    assert model.offer is None
