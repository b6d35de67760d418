import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli import train
from core import demo
from core.models.model_file import read_card
from core.training.learner import Learner
from tests.made_runs import read_run

Command = Callable[..., Any]
TRAIN = ("--image-size", "32", "--epochs", "1", "--batch-size", "8")


class Interrupted:
    """A learner's step during which a signal comes, in the given call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, call: int) -> None:
        self._step, self._number, self._waits = Learner.step, number, call
        monkeypatch.setattr(Learner, "step", lambda learner, *given: self(learner, *given))

    def __call__(self, learner: Learner, *given: Any) -> Any:
        result = self._step(learner, *given)
        self._waits -= 1
        if self._waits == 0:
            os.kill(os.getpid(), self._number)
        return result


def test_json_tells_what_was_reached(command: Command, archive: Path, tmp_path: Path) -> None:
    said = command("train", archive, "--out", tmp_path / "run", *TRAIN, "--json")
    assert said.code == 0
    assert list(said.json) == [
        "model",
        "epochs",
        "best_epoch",
        "seconds",
        "images_per_second",
        "validation_accuracy",
        "test_accuracy",
        "test_loss",
        "weights_sha256",
        "warnings",
        "resumed_from",
    ]
    assert said.json["epochs"] == said.json["best_epoch"] == 1
    assert said.json["resumed_from"] is None
    last = read_card(tmp_path / "run" / "last.safetensors")
    assert said.json["weights_sha256"] == last.tensors_sha256
    assert said.json["seconds"] > 0
    assert said.json["images_per_second"] > 0
    for name in ("validation_accuracy", "test_accuracy"):
        assert 0 <= said.json[name] <= 1
    assert read_card(Path(said.json["model"])).classes == ("COVID", "NORMAL", "Viral_Pneumonia")


def test_text_tells_each_epoch_and_where_the_model_is(
    command: Command, archive: Path, tmp_path: Path
) -> None:
    said = command("train", archive, "--out", tmp_path / "run", *TRAIN)
    assert said.code == 0
    assert "Epoch 1: training loss" in said.err
    assert "Test films: accuracy" in said.out
    assert f"Saved in {tmp_path / 'run'}\n" in said.out
    assert "Research and teaching only, never diagnosis." in said.out


def test_a_seed_repeats_a_run_and_another_does_not(
    command: Command, archive: Path, trained: Path, tmp_path: Path
) -> None:
    first = read_card(trained / "best.safetensors")  # of seed 0
    again, other = (
        command("train", archive, "--out", tmp_path / seed, *TRAIN, "--seed", seed, "--json").json
        for seed in ("0", "1")
    )
    assert read_card(Path(again["model"])).tensors_sha256 == first.tensors_sha256
    assert again["test_loss"] == first.metrics["test"]["loss"] != other["test_loss"]


def test_options_reach_the_run(command: Command, archive: Path, tmp_path: Path) -> None:
    words = ("--preset", "reference", "--arch", "resnet34", "--learning-rate", "0.001")
    rest = ("--image-size", "32", "--epochs", "1", "--batch-size", "16", "--seed", "3")
    said = command("train", archive, "--out", tmp_path / "run", *words, *rest, "--json")
    assert said.json["validation_accuracy"] is None  # the reference split has no such part
    config = read_run(tmp_path / "run")[0]["config"]
    assert config["preset"] == config["split"] == "reference"
    assert (config["architecture"], config["learning_rate"]) == ("resnet34", 0.001)
    assert (config["epochs"], config["batch_size"], config["seed"]) == (1, 16, 3)
    assert config["preprocessing"]["image_size"] == 32


def test_a_folder_in_use_is_refused_before_films_are_read(
    command: Command, trained: Path, archive: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.iterdir()}
    for depth in ("18", "resnet18"):  # a network is named with or without its family
        said = command("train", archive, "--out", trained, *TRAIN, "--arch", depth)
        assert (said.code, said.out) == (1, "")
        assert said.err == f"The folder {trained} is not empty. Choose a new folder for the run.\n"
    assert {path: path.stat().st_mtime_ns for path in trained.iterdir()} == before


def test_a_device_or_weights_that_are_not_there_are_refused_before_films_are_read(
    command: Command, tmp_path: Path
) -> None:
    for option, value, reason in (
        ("--device", "gpu:99", "There is no device gpu:99 on this machine."),
        ("--weights", tmp_path / "gone", "The weights gone cannot be read: No such file"),
    ):
        said = command("train", "gone.zip", "--out", tmp_path / "run", option, value)
        assert said.code == 1
        assert said.err.startswith(reason)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_training_leaves_a_stopped_run(
    command: Command,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    Interrupted(monkeypatch, number, call=2)
    said = command("train", archive, "--out", tmp_path / "run", *TRAIN, "--json")
    assert (said.code, said.out) == (130, "")
    assert "Stopping after this batch." in said.err
    assert said.err.endswith("Interrupted. What was saved before is still there.\n")
    description, events = read_run(tmp_path / "run")
    assert description["status"] == "stopped"
    assert [event["event"] for event in events] == ["TrainingStarted", "BatchDone", "BatchDone"]
    assert read_card(tmp_path / "run" / "last.safetensors").history["epochs"] == 0
    assert not list((tmp_path / "run").glob(".*"))
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_not(
    command: Command, archive: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        Interrupted(patch, signal.SIGINT, call=2)
        assert command("train", archive, "--out", tmp_path / "run", *TRAIN).code == 130
    said = command("train", "--resume", tmp_path / "run", "--json")
    assert said.code == 0
    assert said.json["resumed_from"] == {"epoch": 1, "batch": 2}
    assert "Going on in epoch 1 after batch 2." in said.err
    whole = read_card(trained / "last.safetensors")  # of the same settings
    assert said.json["weights_sha256"] == whole.tensors_sha256


def test_a_second_signal_ends_at_once_and_saves_no_half_of_a_step(
    command: Command, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Learner.step

    def step(learner: Learner, *given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return real(learner, *given)

    monkeypatch.setattr(Learner, "step", step)
    said = command("train", archive, "--out", tmp_path / "run", *TRAIN)
    assert said.code == 130
    assert read_run(tmp_path / "run")[0]["status"] == "stopped"
    assert not (tmp_path / "run" / "last.safetensors").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_finished_run_trains_for_more_epochs(
    command: Command, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path / "run")
    said = command("train", "--resume", tmp_path / "run", "--more-epochs", "1", "--json")
    assert said.json["epochs"] == 2
    assert said.json["resumed_from"] == {"epoch": 2, "batch": 0}
    refused = command("train", "--resume", tmp_path / "run")
    assert (refused.code, refused.out) == (1, "")
    assert "is finished; there is nothing left to train" in refused.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("films.zip",), "needs films and --out"),
        (("--out", "run"), "needs films and --out"),
        (("films.zip", "--out", "run", "--more-epochs", "1"), "goes with --resume only"),
        (("films.zip", "--out", "run", "--accept-changes"), "goes with --resume only"),
        (("films.zip", "--resume", "run"), "Leave out films.zip."),
        (("--resume", "run", "--epochs", "9", "--as-found"), "Leave out --epochs, --as-found."),
        (("--resume", "run", "--out", "new"), "Leave out --out."),
        (("--resume", "run", "--no-flip", "--weights", "x"), "Leave out --weights, --no-flip."),
        (("--resume", "run", "--more-epochs", "0"), "a whole number from 1 on"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(
    command: Command, words: tuple[str, ...], reason: str
) -> None:
    said = command("train", *words)
    assert (said.code, said.out) == (2, "")
    assert reason in said.err


def test_the_demo_reads_its_kept_films(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"FILMS_PER_CLASS": 12, "FILM_SIZE": 48, "IMAGE_SIZE": 32, "EPOCHS": 1}
    for name, value in small.items():
        monkeypatch.setattr(demo, name, value)
    said = command("demo")
    assert said.code == 0
    (folder,) = (home / "runs").iterdir()
    assert f"Saved in {folder}\n" in said.out
    assert read_run(folder)[0]["status"] == "finished"
    kept = [line for line in said.out.splitlines() if ": true class " in line]
    for name, line in zip(("COVID", "NORMAL", "Viral_Pneumonia"), kept, strict=True):
        assert f": true class {name}, predicted " in line
        assert 0 < float(line.rsplit(" ", 1)[1]) <= 1


def test_a_demo_refuses_a_folder_in_use_before_it_draws(
    command: Command, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "draw_demo", pytest.fail)
    assert "is not empty" in command("demo", "--out", trained).err


def test_a_run_starts_from_the_weights_of_another_with_its_settings(
    command: Command, trained: Path, model: Path, archive: Path, tmp_path: Path
) -> None:
    words = ("--config", trained / "run.json", "--weights", model, "--frozen-backbone")
    said = command("train", archive, "--out", tmp_path / "run", *words, "--no-flip", "--json")
    assert said.code == 0, said.err
    assert "tensors of the network start from best.safetensors" in said.err
    before, after = (
        json.loads((folder / "run.json").read_text(encoding="utf-8"))["config"]
        for folder in (trained, tmp_path / "run")
    )
    assert after["augmentation"].pop("is_flip_on") is False
    assert before["augmentation"].pop("is_flip_on") is True
    changed = {"initial_weights": "best.safetensors", "is_backbone_frozen": True}
    assert after == {**before, **changed}
