import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import RunFolderError
from core.events import BatchDone, EpochDone, Resumed, to_json
from core.training.history import read_history
from core.training.run_folder import METRICS_FILE

EPOCH = EpochDone(1, 0.6, 0.7, None, None, True, 2.0)


def record(folder: Path, *events: Any) -> None:
    lines = [json.dumps(to_json(event)) for event in events]
    (folder / METRICS_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def batch(epoch: int, number: int) -> BatchDone:
    return BatchDone(epoch, number, 2, 1 / number, 0.5, 1e-3, 0.0, 0.0)


def test_batches_and_epochs_come_back_as_events(tmp_path: Path) -> None:
    record(tmp_path, batch(1, 1), batch(1, 2), EPOCH, batch(2, 1))
    history = read_history(tmp_path)
    assert [*history.batches] == [batch(1, 1), batch(1, 2), batch(2, 1)]
    assert history.epochs == (EPOCH,)
    assert history.epoch_steps == (2,)


def test_what_was_trained_once_more_is_there_once(tmp_path: Path) -> None:
    record(tmp_path, batch(1, 1), batch(1, 2), EPOCH, batch(2, 1), Resumed(1, 1), batch(1, 2))
    history = read_history(tmp_path)
    assert [*history.batches] == [batch(1, 1), batch(1, 2)]
    assert history.epochs == ()


def test_a_run_without_records_has_no_history(tmp_path: Path) -> None:
    history = read_history(tmp_path)
    assert (len(history.batches), history.epochs, history.epoch_steps) == (0, (), ())


def test_records_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / METRICS_FILE).mkdir()
    with pytest.raises(RunFolderError, match=METRICS_FILE):
        read_history(tmp_path)
