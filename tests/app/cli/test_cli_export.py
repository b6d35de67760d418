import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.models import export
from core.models.export_worker import PaddleAnswers
from tests.core.models.networks import ask_at_once

Command = Callable[..., Any]
OUTS = {"onnx": "model.onnx", "pdparams": "model.pdparams", "paddle": "model"}
DISCLAIMER = "Research and teaching only, never diagnosis."


@pytest.mark.parametrize("kind", OUTS)
def test_it_names_the_files_the_check_and_the_input(
    command: Command, model: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_ask_paddle", ask_at_once)
    said = command("export", model, "--format", kind, tmp_path / "new" / OUTS[kind])
    assert (said.code, said.err) == (0, "")
    *files, check, made, disclaimer = said.out.splitlines()
    assert files
    assert all(Path(file).is_file() for file in files)
    assert check.startswith(("Checked with", "Read again"))
    assert "32 x 32" in made
    assert "COVID, NORMAL, Viral_Pneumonia" in made
    assert disclaimer == DISCLAIMER


def test_json_holds_what_the_files_say(command: Command, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.pdparams"
    said = command("export", model, "--format", "pdparams", out, "--json").json
    assert set(said) == {"format", "files", "bytes", "checked_with", "difference", "description"}
    assert said["files"] == [str(out), f"{out}.json"]
    assert said["bytes"] == sum(Path(file).stat().st_size for file in said["files"])
    assert said["description"] == json.loads(Path(f"{out}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", OUTS)
def test_a_refused_model_is_one_line_and_exit_code_1(
    command: Command, model: Path, tmp_path: Path, kind: str
) -> None:
    hostile = tmp_path / "hostile.safetensors"
    hostile.write_bytes(model.read_bytes()[:-4])
    said = command("export", hostile, "--format", kind, tmp_path / OUTS[kind])
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert "damaged" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["hostile.safetensors"]


def test_other_answers_are_refused_and_nothing_is_written(
    command: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*places: Any) -> PaddleAnswers:
        answers = ask_at_once(*places)
        logits, maps = answers.eager
        return answers._replace(eager=(logits * np.nan, maps))

    monkeypatch.setattr(export, "_ask_paddle", wrong)
    said = command("export", model, "--format", "onnx", tmp_path / "model.onnx")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("Nothing was exported: in ONNX Runtime")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("--format", "torch"), ("--format", "onnx")])
def test_a_format_and_a_place_are_needed(command: Command, words: tuple[str, ...]) -> None:
    said = command("export", "model.safetensors", *words)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)


def test_main_knows_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "main.py", "--help"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "main.py export MODEL OUT" in done.stdout
