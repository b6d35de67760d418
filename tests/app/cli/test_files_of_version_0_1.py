"""Model files and run folders that version 0.1.0 wrote still open, resume and answer alike."""

import json
import shutil
from pathlib import Path

import pytest

from core.models import resnet, weights
from tests.app.cli.conftest import Command

LEGACY = Path(__file__).parents[2] / "legacy"
FILMS = LEGACY / "films.zip"
EXPECTED = json.loads((LEGACY / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _as_narrow_as_then(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (resnet, weights):
        monkeypatch.setattr(module, "STEM_WIDTH", 4)
        monkeypatch.setattr(module, "STAGE_WIDTHS", (4, 4, 4, 4))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Copies of the run folders, their films where they lie now."""
    for name in ("finished", "interrupted"):
        run = tmp_path / "runs" / name
        shutil.copytree(LEGACY / name, run)
        text = (run / "run.json").read_text(encoding="utf-8")
        films = json.dumps(str(FILMS))[1:-1]
        (run / "run.json").write_text(text.replace("FILMS", films), encoding="utf-8")
    return tmp_path / "runs"


def test_a_model_answers_as_it_did(command: Command) -> None:
    said = command("predict", LEGACY / "finished" / "best.safetensors", FILMS, "--json")
    assert said.code == 0, said.err
    answers = {answer["file"].split("films.zip/")[1]: answer for answer in said.json["predictions"]}
    for name, expected in EXPECTED["predictions"].items():
        answer = answers[name]
        assert list(answer["probabilities"].values()) == pytest.approx(
            expected["probabilities"], abs=1e-4
        ), name
        assert answer["class"] == expected["class"], name
        assert answer["candidates"] == expected["candidates"], name
        assert answer["novelty"]["score"] == pytest.approx(expected["novelty"], abs=1e-3), name
        assert answer["neighbours"][0]["sha256"] == expected["nearest"], name
        assert answer["model_split"] == expected["model_split"], name


def test_a_model_is_evaluated_as_it_was(command: Command) -> None:
    said = command("evaluate", LEGACY / "finished" / "best.safetensors", FILMS, "--json")
    assert said.code == 0, said.err
    expected = EXPECTED["evaluation"]
    assert said.json["confusion"] == expected["confusion"]
    assert said.json["loss"] == pytest.approx(expected["loss"], abs=1e-4)


def test_an_interrupted_run_goes_on(command: Command, runs: Path) -> None:
    said = command("train", "--resume", runs / "interrupted", "--json")
    assert said.code == 0, said.err
    description = json.loads((runs / "interrupted" / "run.json").read_text(encoding="utf-8"))
    assert description["status"] == "finished"
    lines = (runs / "interrupted" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [event["epoch"] for event in map(json.loads, lines) if event["event"] == "EpochDone"]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) > 1


def test_a_finished_run_trains_more_epochs(command: Command, runs: Path) -> None:
    said = command("train", "--resume", runs / "finished", "--more-epochs", "1", "--json")
    assert said.code == 0, said.err
