import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.models.model_file import read_card
from core.training import repeats

Command = Callable[..., Any]


def test_json_tells_the_numbers_of_the_test_part(
    command: Command, model: Path, archive: Path
) -> None:
    said = command("evaluate", model, archive, "--json")
    assert said.code == 0
    numbers = ["n", "accuracy", "loss", "confusion", "classes"]
    assert list(said.json) == [*numbers, "warnings", "external", "study"]
    assert said.json["external"] is None
    assert any("Never tested on X-rays from elsewhere" in one for one in said.json["warnings"])
    card = read_card(model)
    assert said.json["n"] == len(card.split["test"]) == sum(map(sum, said.json["confusion"]))
    assert said.json["accuracy"] == pytest.approx(card.metrics["test"]["accuracy"])
    assert said.json["loss"] == pytest.approx(card.metrics["test"]["loss"], rel=1e-4)
    for name, one in zip(card.classes, said.json["classes"], strict=True):
        assert list(one) == ["name", "sensitivity", "specificity", "f1", "n", "ppv"]
        assert one["name"] == name


def test_all_films_can_be_asked_for(command: Command, model: Path, archive: Path) -> None:
    said = command("evaluate", model, archive, "--split", "all", "--json")
    assert [sum(row) for row in said.json["confusion"]] == [12, 12, 12]  # rows are true classes
    accuracy = sum(said.json["confusion"][k][k] for k in range(3)) / 36
    assert said.json["accuracy"] == pytest.approx(accuracy)
    text = command("evaluate", model, archive, "--split", "all").out
    (row,) = (line for line in text.splitlines() if line.endswith("  NORMAL"))
    assert sum(int(count) for count in row.split()[:-1]) == 12
    normal = next(one for one in said.json["classes"] if one["name"] == "NORMAL")
    assert normal["n"] == 12
    (line,) = (line for line in text.splitlines() if line.startswith("NORMAL: n 12, sensitivity "))
    ppv = "–" if normal["ppv"] is None else f"{normal['ppv']:.4f}"
    assert f", PPV {ppv}, F1 " in line
    assert "Research and teaching only, never diagnosis." in text


def test_a_class_without_films_has_no_sensitivity(
    command: Command, model: Path, archive: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(tmp_path / "two.zip", "w") as new:
        for name in old.namelist():
            if "/COVID/" not in name:
                new.writestr(name, old.read(name))
    said = command("evaluate", model, tmp_path / "two.zip", "--split", "all", "--json")
    assert said.code == 0
    assert said.json["classes"][0]["sensitivity"] is None
    assert said.json["confusion"][0] == [0, 0, 0]
    text = command("evaluate", model, tmp_path / "two.zip", "--split", "all").out
    assert "COVID: n 0, sensitivity –, specificity" in text


def test_every_figure_comes_with_method_and_interval_and_the_kit_is_written(
    command: Command, model: Path, archive: Path, tmp_path: Path
) -> None:
    point = tmp_path / "point.json"
    names = read_card(model).classes
    point.write_text(json.dumps({"thresholds": dict.fromkeys(names, 0.9) | {names[0]: 0.01}}))
    kit = tmp_path / "kit"
    said = command(
        "evaluate", model, archive, "--json", "--operating-point", point, "--report", kit
    )
    values = json.loads(said.out)
    study = values["study"]
    for one in study["figures"]:
        assert one["value"] is not None or one["missing"]
        assert (one["low"] is None) == (one["high"] is None)
    assert sum(row[0] for row in values["confusion"]) == values["n"]  # all answered as the first
    assert study["flow"]["used"] == values["n"]
    assert (kit / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no json", "operating point"),
        ('{"thresholds": {"other": 0.5, "one": 0.5}}', "the model's are"),
        ('{"thresholds": {"NORMAL": 2, "COVID": 0.5}}', "thresholds"),
    ],
)
def test_an_operating_point_of_no_use_is_refused(
    command: Command, model: Path, archive: Path, tmp_path: Path, content: str, words: str
) -> None:
    point = tmp_path / "point.json"
    point.write_text(content)
    said = command("evaluate", model, archive, "--operating-point", point)
    assert said.code == 2
    assert words in said.err
    assert "Traceback" not in said.err


def test_models_are_compared_and_hard_cases_listed(
    command: Command, model: Path, archive: Path
) -> None:
    last = model.with_name("last.safetensors")
    words = ("--against", last, last, "--hard-cases")
    said = command("evaluate", model, archive, *words, "--json")
    cases = said.json["study"]["hard_cases"]["training"]["highest_loss"]
    assert {one["true_class"] != one["predicted"] for one in cases} == {True}
    text = command("evaluate", model, archive, "--hard-cases").out
    assert cases[0]["file"] in text.partition("Training X-rays with the highest loss:")[2]
    found = said.json["study"]["comparison"]
    assert [one["model"] for one in found["models"]][1:] == ["run/last.safetensors"] * 2
    assert len(found["pairs"]) == 3
    assert found["pairs"][2]["p_corrected"] == 1.0  # a model against itself
    wrong = command("evaluate", model, archive, "--against", archive)
    assert wrong.code == 1
    assert "phantoms.zip" in wrong.err


def test_repeats_and_the_learning_curve_are_told(
    command: Command,
    model: Path,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repeats, "SHARES", (1.0,))
    last = model.with_name("last.safetensors")
    words = ("--repeat-seeds", 2, "--learning-curve", "--against", last)
    said = command("evaluate", model, archive, *words, "--report", tmp_path / "kit")
    assert said.code == 0
    assert "Spread between 2 models that differ in their seed:" in said.out
    assert "12 patients" in said.out.partition("Learning curve:")[2]
    assert (tmp_path / "kit" / "figures" / "learning.svg").is_file()
    assert "1 and 2: only the first right" in said.out
    compared = (tmp_path / "kit" / "tables" / "comparison.csv").read_text()
    assert len(compared.splitlines()) == 2
    head, *rows = (tmp_path / "kit" / "tables" / "repeats.csv").read_text().splitlines()
    assert "sd" in head
    assert len(rows) == 11
