import csv
import dataclasses
import hashlib
import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import safetensors.numpy

from core import files
from core.config import AugmentationConfig, Preprocessing, TrainingConfig
from core.errors import Message, RunFolderError
from core.models import model_file
from core.models.model_card import ModelCard
from core.models.model_file import save_model
from core.training import runs as stored_runs
from core.training.run_description import MAX_NAME_LENGTH, RUN_FILE, rename_run
from core.training.run_folder import BEST_FILE, LOCK_FILE, METRICS_FILE, RunLock
from core.training.runs import (
    CHECKPOINT_FILES,
    DamagedRun,
    RunSummary,
    differences,
    export_runs,
    flat_settings,
    newest_interrupted,
    read_summary,
    scan_runs,
)
from tests.made_runs import batch_line, epoch_line, make_run, story

CHECKPOINT = safetensors.numpy.save(
    {"a": np.zeros(3, np.float32), "b": np.ones((2, 2), np.float32)}
)


def scan(*folders: Path) -> list[RunSummary | DamagedRun]:
    return list(scan_runs(folders))


def summary(folder: Path) -> RunSummary:
    (run,) = scan(folder)
    assert isinstance(run, RunSummary), run
    return run


def reason(folder: Path) -> str:
    (run,) = scan(folder)
    assert isinstance(run, DamagedRun), run
    return str(run.reason)


def change(run: Path, **entries: Any) -> None:
    path = run / RUN_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


@pytest.fixture
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of a few bytes; all checks but the layout's size are the real ones."""
    shapes = {"fc.weight": (2, 2), "fc.bias": (2,)}
    monkeypatch.setattr(model_file, "expected_shapes", lambda *_: shapes)


def write_model(path: Path) -> None:
    classes = ("COVID", "NORMAL")
    card = ModelCard(
        architecture="resnet18",
        classes=classes,
        display_names={name: {"en": name, "zh_CN": name} for name in classes},
        preprocessing=Preprocessing(),
        reader_version=1,
        training=TrainingConfig(),
        dataset={"name": "films.zip", "fingerprint": "f" * 64},
        split={
            part: (hashlib.sha256(part.encode()).hexdigest(),)
            for part in ("train", "validation", "test", "kept")
        },
        metrics={},
        history={"best_epoch": 1, "epochs": 2},
        versions=dict.fromkeys(("python", "paddle", "numpy", "pneumoscope"), "1"),
        created=datetime(2026, 1, 2, tzinfo=UTC).isoformat(),
    )
    arrays = {"fc.weight": np.ones((2, 2), np.float32), "fc.bias": np.ones(2, np.float32)}
    save_model(path, card, arrays)


class TestSummary:
    def test_it_has_what_the_run_recorded(self, tmp_path: Path) -> None:
        run = summary(make_run(tmp_path / "first"))
        assert (run.name, run.status, run.dataset) == ("first", "finished", "films.zip")
        assert (run.n_films, run.classes) == (30, ("COVID", "NORMAL"))
        assert (run.epochs_done, run.best_epoch) == (2, 2)
        assert (run.validation_accuracy, run.test_accuracy) == (0.75, 0.8)
        assert (run.seconds, run.n_parameters, run.device) == (4.0, 11_000_000, "cpu")
        assert run.epoch_losses == (1.0, 0.5)
        assert run.config == TrainingConfig(epochs=2)
        assert (run.has_best, run.can_resume, run.best_model) == (False, False, None)
        assert run.size_bytes > 100

    def test_a_run_without_validation_shows_its_training(self, tmp_path: Path) -> None:
        run = summary(make_run(tmp_path / "run", lines=[epoch_line(1, None)]))
        assert run.epoch_losses == (1.0,)
        assert run.validation_accuracy is None

    def test_a_run_that_recorded_nothing_yet_is_a_run(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", status="running")
        (folder / METRICS_FILE).unlink()
        run = summary(folder)
        assert (run.epochs_done, run.best_epoch, run.epoch_losses) == (0, None, ())

    def test_a_run_of_the_first_programs_is_read(self, tmp_path: Path) -> None:
        config = TrainingConfig(epochs=2).to_json()
        for newer in ("optimiser", "momentum", "averaging", "n_folds", "fold", "class_balance"):
            del config[newer]
        config["augmentation"] = {"probability": 0.5}
        dataset = {"source": "C:\\Films\\胸片.zip", "fingerprint": "f", "classes": {"a": 1, "b": 2}}
        folder = make_run(tmp_path / "old", dataset={**dataset, "left_out": 0})
        change(folder, config=config)
        run = summary(folder)
        assert (run.dataset, run.n_films) == ("胸片.zip", 3)
        assert run.config == TrainingConfig(epochs=2)

    @pytest.mark.usefixtures("small_models")
    def test_it_knows_its_best_model(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run")
        write_model(folder / BEST_FILE)
        assert summary(folder).best_model == folder / BEST_FILE


class TestStatus:
    def test_it_is_as_the_run_says(self, tmp_path: Path) -> None:
        for status in ("finished", "stopped", "paused", "failed"):
            run = summary(make_run(tmp_path / status, status=status, reason="It ran away."))
            assert run.status == status
            assert run.failure == ("It ran away." if status == "failed" else "")

    def test_a_run_is_running_as_long_as_its_owner_lives(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", status="running")
        with RunLock(folder):
            assert summary(folder).status == "running"
        assert summary(folder).status == "interrupted"
        born = psutil.Process().create_time()
        owner = {"pid": os.getpid(), "create_time": born - 3600}  # another process by now
        (folder / LOCK_FILE).write_text(json.dumps(owner))
        assert summary(folder).status == "interrupted"

    def test_a_run_with_a_checkpoint_can_be_resumed_until_it_is_finished(
        self, tmp_path: Path
    ) -> None:
        for status in ("running", "finished"):
            folder = make_run(tmp_path / status, status=status)
            (folder / CHECKPOINT_FILES[0]).write_bytes(CHECKPOINT)
            assert summary(folder).can_resume is (status == "running")
            with RunLock(folder):
                assert not summary(folder).can_resume

    def test_the_checkpoint_before_will_do_and_it_is_said(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", status="stopped")
        (folder / CHECKPOINT_FILES[0]).write_bytes(CHECKPOINT[:-3])
        (folder / CHECKPOINT_FILES[1]).write_bytes(CHECKPOINT)
        run = summary(folder)
        assert run.can_resume
        assert "newest checkpoint is damaged" in str(run.remark)


class TestScan:
    def test_runs_are_found_in_folders_and_as_folders(self, tmp_path: Path) -> None:
        make_run(tmp_path / "runs" / "a")
        make_run(tmp_path / "runs" / "b")
        (tmp_path / "runs" / "photographs").mkdir()
        (tmp_path / "runs" / "letter.txt").write_text("Dear all")
        single = make_run(tmp_path / "elsewhere" / "c")
        found = scan(tmp_path / "runs", single, tmp_path / "runs")
        assert [run.name for run in found] == ["a", "b", "c"]

    def test_a_folder_that_is_gone_is_told(self, tmp_path: Path) -> None:
        (run,) = scan(tmp_path / "gone")
        assert isinstance(run, DamagedRun)
        assert not run.is_run
        assert "cannot be read" in str(run.reason)


def _shortened(content: bytes) -> bytes:
    return content[: len(content) // 2]


ODDITIES = (b"", b"0", b"-", b"null", b'"', b"{", b"]", b"\xc3", b"9" * 30, b"\\ud800", b"1e999")

# Twenty accidents: which file, what becomes of it, and what is said.
ACCIDENTS: list[tuple[str, Any, str]] = [
    (RUN_FILE, _shortened, "run.json is damaged"),
    (RUN_FILE, lambda _: b"", "run.json is damaged"),
    (RUN_FILE, lambda _: b"\xff\xfe\x00garbage", "run.json is damaged"),
    (RUN_FILE, lambda _: b"[" * 100_000, "run.json is damaged"),
    (RUN_FILE, lambda _: b"[1, 2]", "run.json is damaged"),
    (RUN_FILE, {"status": "baked"}, "its entry status"),
    (RUN_FILE, {"started": "yesterday"}, "its entry started"),
    (RUN_FILE, {"dataset": None}, "its entry dataset"),
    (RUN_FILE, {"dataset": {"sources": [], "classes": {"a": 1}}}, "its entry dataset"),
    (RUN_FILE, {"config": {"epochs": -3}}, "settings in run.json are damaged: Epochs is -3"),
    (RUN_FILE, {"config": {"colour": "red"}}, "no setting called colour"),
    (RUN_FILE, {"format_version": 99}, "newer PneumoScope"),
    (METRICS_FILE, lambda content: b"garbage\n" + content, "metrics.jsonl is damaged: 1 of"),
    (METRICS_FILE, lambda content: content.replace(b"BatchDone", b"\xff\xff"), "metrics.jsonl"),
    (BEST_FILE, lambda _: b"no model", "best.safetensors was not made by"),
    (BEST_FILE, _shortened, "best.safetensors is damaged"),
    (CHECKPOINT_FILES[0], lambda _: CHECKPOINT[:-1], "last.checkpoint is damaged"),
    (CHECKPOINT_FILES[0], lambda _: b"\0" * 100, "last.checkpoint is damaged"),
    (LOCK_FILE, lambda _: b"garbage", "run.lock is damaged"),
    (LOCK_FILE, lambda _: b'{"pid": "many", "create_time": []}', "run.lock is damaged"),
]


@pytest.mark.usefixtures("small_models")
@pytest.mark.parametrize(("name", "accident", "said"), ACCIDENTS)
def test_a_damaged_run_is_told_and_nothing_is_touched(
    tmp_path: Path, name: str, accident: Any, said: str
) -> None:
    folder = make_run(tmp_path / "broken")
    make_run(tmp_path / "whole")
    write_model(folder / BEST_FILE)
    path = folder / name
    if isinstance(accident, dict):
        change(folder, **accident)
    else:
        path.write_bytes(accident(path.read_bytes() if path.exists() else b""))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    broken, whole = scan(tmp_path)
    assert isinstance(broken, DamagedRun)
    assert said in str(broken.reason)
    assert isinstance(whole, RunSummary)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_whose_description_is_gone_is_damaged(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    (folder / RUN_FILE).unlink()
    assert "run.json cannot be read" in reason(folder)


@pytest.mark.usefixtures("small_models")
def test_no_random_change_of_a_file_raises(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    write_model(folder / BEST_FILE)
    (folder / CHECKPOINT_FILES[0]).write_bytes(CHECKPOINT)
    (folder / LOCK_FILE).write_text(json.dumps({"pid": 1, "create_time": 1.5}))
    contents = {path: path.read_bytes() for path in folder.iterdir()}
    chance = random.Random(4)
    for _ in range(400):
        path = chance.choice(sorted(contents))
        changed = bytearray(contents[path])
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(changed))
            changed[place : place + chance.randint(0, 3)] = chance.choice(ODDITIES)
        path.write_bytes(changed)
        assert len(scan(tmp_path)) == 1
        path.write_bytes(contents[path])


class TestRename:
    def test_a_name_is_kept_in_the_run_and_an_empty_one_gives_that_of_the_folder_back(
        self, tmp_path: Path
    ) -> None:
        folder = make_run(tmp_path / "run")
        rename_run(folder, "  正常 and others ")
        assert summary(folder).name == "正常 and others"
        assert summary(folder).config == TrainingConfig(epochs=2)
        rename_run(folder, "")
        assert summary(folder).name == "run"

    def test_what_is_too_long_or_cannot_be_written_leaves_the_run_as_it_was(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = make_run(tmp_path / "run")
        with pytest.raises(RunFolderError, match="Choose one of at most"):
            rename_run(folder, "x" * (MAX_NAME_LENGTH + 1))

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files, "write_text", full)
        with pytest.raises(RunFolderError, match="No space left"):
            rename_run(folder, "mine")
        assert summary(folder).name == "run"


def test_a_name_that_hides_characters_is_made_fit_to_be_shown(tmp_path: Path) -> None:
    assert summary(make_run(tmp_path / "run", name="a\u202eb\n")).name == "a\ufffdb\ufffd"


def test_lines_after_a_resume_count_once(tmp_path: Path) -> None:
    again = [{"event": "Resumed", "epoch": 2, "batch": 0}, batch_line(2, 1), epoch_line(2, 0.1)]
    run = summary(make_run(tmp_path / "run", lines=[*story(), *again], status="stopped"))
    assert run.epoch_losses == (1.0, 0.1)
    assert run.test_accuracy is None


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
    assert differences(first, run(tmp_path / "b", config)) == []
    second = run(tmp_path / "c", config, device={"name": "gpu:0", "description": ""})
    second = dataclasses.replace(second, dataset="others.zip")
    assert differences(first, second) == [
        ("dataset", "films.zip", "others.zip"),
        ("device", "cpu", "gpu:0"),
    ]


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


def open_run(runs: Path, name: str, status: str, age_s: int = 0, **more: Any) -> Path:
    folder = runs / name
    folder.mkdir()
    values = {"format_version": 1, "status": status, "started": "2026-11-20T08:00:00+00:00", **more}
    path = folder / RUN_FILE
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")
    os.utime(path, (1_800_000_000 - age_s,) * 2)
    return folder


class TestInterruptedRun:
    @pytest.fixture(autouse=True)
    def owned(self, monkeypatch: pytest.MonkeyPatch) -> set[str]:
        """Names of the runs that a living process trains; every run has a checkpoint."""
        names: set[str] = set()
        monkeypatch.setattr(stored_runs, "has_living_owner", lambda folder: folder.name in names)
        monkeypatch.setattr(stored_runs, "usable_checkpoint", lambda _: (True, None))
        return names

    def found(self, runs: Path) -> Path | None:
        run = newest_interrupted(runs)
        return run.path if run is not None else None

    def test_the_newest_run_that_was_cut_short_is_found(self, tmp_path: Path) -> None:
        for age, status in enumerate(("finished", "stopped", "failed")):
            open_run(tmp_path, status, status, age_s=age)
        assert self.found(tmp_path / "nowhere") is None
        assert self.found(tmp_path) is None
        for age, status in ((100, "paused"), (50, "running")):
            assert open_run(tmp_path, status, status, age_s=age) == self.found(tmp_path)

    def test_a_run_that_is_being_trained_or_has_no_checkpoint_is_left_alone(
        self, tmp_path: Path, owned: set[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        open_run(tmp_path, "one", "running")
        owned.add("one")
        assert self.found(tmp_path) is None
        owned.clear()
        monkeypatch.setattr(stored_runs, "usable_checkpoint", lambda _: (False, None))
        assert self.found(tmp_path) is None

    def test_damaged_runs_are_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def damaged(folder: Path) -> tuple[bool, None]:
            if folder.name == "damaged":
                raise RunFolderError(Message("It is damaged."))
            return True, None

        monkeypatch.setattr(stored_runs, "usable_checkpoint", damaged)
        whole = open_run(tmp_path, "whole", "paused", age_s=100)
        open_run(tmp_path, "damaged", "running")
        (tmp_path / "nothing").mkdir()
        (tmp_path / "a file").write_text("no run")
        (open_run(tmp_path, "binary", "running") / RUN_FILE).write_bytes(b"\x00\xff" * 9)
        assert self.found(tmp_path) == whole

    def test_its_date_is_told_in_local_time_where_it_is_one(self, tmp_path: Path) -> None:
        told = []
        for number, started in enumerate(
            ("2026-11-20T08:00:00+00:00", "yesterday", "", "2026-99-99T00:00:00")
        ):
            open_run(tmp_path, str(number), "paused", age_s=-number, started=started)
            found = newest_interrupted(tmp_path)
            assert found is not None
            told.append(found.started)
        assert told[0] == datetime(2026, 11, 20, 8, tzinfo=UTC).astimezone()
        assert told[0].isoformat() == told[0].astimezone().isoformat()
        assert told[1:] == [None] * 3
