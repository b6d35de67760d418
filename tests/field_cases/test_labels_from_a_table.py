"""One folder of images with a table, as NIH has it: classes, patients, and what does not fit."""

from pathlib import Path

from PIL import Image

from core.audit.report import file_findings
from core.data.dataset import LoadedDataset, load_dataset
from core.data.labels import LabelChoice
from core.phantom import CLASSES, draw_film
from core.workspace import Workspace

LABELS = ("Effusion", "No Finding", "Effusion|Mass", "No Finding", "Effusion", "")


def test_images_in_one_folder_get_classes_and_patients_from_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    lines = ["Image Index,Finding Labels,Patient ID,Patient Age,Patient Gender,View Position"]
    for number, label in enumerate(LABELS):
        name = f"{number:08d}_000.png"
        Image.fromarray(draw_film(CLASSES[0], number, 64)).save(folder / name)
        lines.append(f"{name},{label},{number // 2},{40 + number},{'MF'[number % 2]},PA")
    Image.fromarray(draw_film(CLASSES[0], 9, 64)).save(folder / "surplus.png")
    (folder / "labels.csv").write_text("\n".join([*lines, "gone.png,Effusion,7,50,M,AP"]))
    choice = LabelChoice(file=str(folder / "labels.csv"), several="exclude")
    *_, loaded = load_dataset([folder], Workspace(tmp_path / "home"), 32, labels=choice)
    assert isinstance(loaded, LoadedDataset)
    assert loaded.dataset.counts == {"Effusion": 2, "No Finding": 2}
    assert loaded.grouping.patients == ("0", "2", "0", "1")
    last = loaded.dataset.records[-1]
    assert (last.name, last.view, last.age, last.sex) == ("00000003_000.png", "PA", 43, "F")
    found = [one.files for one in file_findings(loaded) if one.kind == "labels"]
    assert found == [
        ("gone.png",),
        ("surplus.png",),
        ("00000005_000.png",),
        ("00000002_000.png",),
    ]
    # The table itself is no file that was left out.
    names = {refusal.file for refusal in loaded.dataset.left_out}
    assert names == {"surplus.png", "00000005_000.png", "00000002_000.png"}
