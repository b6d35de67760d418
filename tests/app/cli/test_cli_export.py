import json
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


def test_a_refused_model_is_one_line_and_exit_code_1(
    command: Command, model: Path, tmp_path: Path
) -> None:
    hostile = tmp_path / "hostile.safetensors"
    hostile.write_bytes(model.read_bytes()[:-4])
    for kind in OUTS:
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
