import csv
import dataclasses
from pathlib import Path

import pytest

from core.config import AugmentationConfig, Preprocessing, TrainingConfig
from core.errors import RunFolderError
from core.training.runs import (
    RunSummary,
    differences,
    export_runs,
    flat_settings,
    read_summary,
    scan_runs,
)
from tests.made_runs import make_run


def run(folder: Path, config: TrainingConfig, **entries: object) -> RunSummary:
    return read_summary(make_run(folder, config, **entries))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_settings_within_settings_have_names_of_their_own() -> None:
    config = TrainingConfig(preprocessing=Preprocessing(image_size=64))
    settings = flat_settings(config)
    assert settings["preprocessing.image_size"] == 64
    assert settings["augmentation.flip_probability"] == 0.5
    assert settings["seed"] == 0


def test_only_what_differs_is_told(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=2)
    other = config.changed(learning_rate=0.01, augmentation=AugmentationConfig(is_flip_on=False))
    first, second = run(tmp_path / "a", config), run(tmp_path / "b", other)
    assert differences(first, second) == [
        ("learning_rate", 1e-3, 0.01),
        ("augmentation.is_flip_on", True, False),
    ]


def test_dataset_and_device_differ_too(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=2)
    first = run(tmp_path / "a", config)
    second = run(tmp_path / "b", config, device={"name": "gpu:0", "description": ""})
    second = dataclasses.replace(second, dataset="others.zip")
    assert differences(first, second) == [
        ("dataset", "films.zip", "others.zip"),
        ("device", "cpu", "gpu:0"),
    ]


def test_the_same_settings_have_no_difference(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=2)
    assert differences(run(tmp_path / "a", config), run(tmp_path / "b", config)) == []


def test_a_table_has_every_run_and_every_setting(tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "a", TrainingConfig(epochs=2, seed=7), name="=mine")
    (make_run(tmp_path / "runs" / "b") / "run.json").write_text("{")
    export_runs(tmp_path / "runs.csv", scan_runs([tmp_path / "runs"]))
    whole, broken = table(tmp_path / "runs.csv")
    assert whole["name"] == "'=mine"  # no spreadsheet takes it for a formula
    assert (whole["seed"], whole["validation_accuracy"]) == ("7", "0.75")
    assert whole["classes"] == "COVID; NORMAL"
    assert set(flat_settings(TrainingConfig())) <= set(whole)
    assert (broken["name"], broken["status"], broken["seed"]) == ("b", "damaged", "")
    assert "run.json is damaged" in broken["reason"]


def test_a_table_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="cannot be written"):
        export_runs(tmp_path / "missing" / "runs.csv", [])
