"""A process that is killed at any moment leaves a run that can go on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from core.config import TrainingConfig
from core.training.run_folder import METRICS_FILE
from tests.made_runs import read_run

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the scripts fork")


def run_script(name: str, *words: object) -> str:
    done = subprocess.run(
        [sys.executable, str(HERE / name), *map(str, words)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("n_kills", "n_floats"),
    [(20, 200_000), pytest.param(200, 2_000_000, marks=pytest.mark.nightly)],
)
def test_a_process_killed_while_saving_leaves_a_checkpoint_that_can_be_read(
    n_kills: int, n_floats: int, tmp_path: Path
) -> None:
    n_unreadable, n_previous, _, number = json.loads(
        run_script("killed_saving.py", tmp_path, n_kills, n_floats)
    )
    assert n_unreadable == 0
    assert n_previous > 0  # some kills came in the middle of a saving
    assert number >= 1


@pytest.mark.parametrize(
    ("n_kills", "changes"),
    [
        pytest.param(2, {}, marks=pytest.mark.slow),
        pytest.param(
            25,
            {"epochs": 80, "averaging": 0.9, "class_balance": "sampling"},
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_a_run_killed_again_and_again_ends_as_one_that_was_not(
    n_kills: int, changes: dict, films_folder: Path, config: TrainingConfig, tmp_path: Path
) -> None:
    config = config.changed(**{"epochs": 8, "is_norm_warmed_up": True, **changes})
    run_script("killed_training.py", tmp_path, films_folder, json.dumps(config.to_json()), n_kills)
    (_, whole), (description, killed) = read_run(tmp_path / "whole"), read_run(tmp_path / "killed")
    assert description["status"] == "finished"
    lines = (tmp_path / "killed" / METRICS_FILE).read_text().splitlines()
    recorded = [json.loads(line) for line in lines]
    resumed = [at for at, event in enumerate(recorded) if event["event"] == "Resumed"]
    places = [(recorded[at]["epoch"], recorded[at]["batch"]) for at in resumed]
    assert places[-1] > (1, 0)  # it did not begin anew
    for at, (epoch, batch) in zip(resumed, places, strict=True):
        if recorded[at + 1]["event"] == "BatchDone":
            assert (recorded[at + 1]["epoch"], recorded[at + 1]["batch"]) == (epoch, batch + 1)
    for kind, figures in (
        ("BatchDone", ("epoch", "batch", "batches", "loss", "accuracy", "learning_rate")),
        ("EpochDone", ("epoch", "train_loss", "validation_loss", "is_best")),
        ("TrainingDone", ("best_epoch", "test_loss", "weights_sha256")),
    ):
        one, other = (
            [[event[name] for name in figures] for event in events if event["event"] == kind]
            for events in (whole, killed)
        )
        assert one == other
    for name in ("best.safetensors", "last.safetensors"):
        one, other = (
            safetensors.numpy.load((tmp_path / run / name).read_bytes())
            for run in ("whole", "killed")
        )
        assert all(np.array_equal(one[tensor], other[tensor]) for tensor in other)
    assert not list((tmp_path / "killed").glob(".*"))
