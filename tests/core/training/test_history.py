import gc
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import RunFolderError
from core.events import BatchDone, EpochDone, Resumed, TrainingDone, to_json
from core.training import history as history_module
from core.training.history import History, smoothed
from core.training.run_folder import METRICS_FILE
from tests.made_runs import batch_line, epoch_line, story, write_lines

EPOCH = EpochDone(1, 0.6, 0.7, None, None, True, 2.0)
RESUMED = {"event": "Resumed", "epoch": 2, "batch": 1}


def batch(epoch: int, number: int, loss: float = 0.5) -> BatchDone:
    return BatchDone(epoch, number, 2, loss, 0.5, 1e-3, 40.0, 12.5)


def live(*events: Any) -> History:
    history = History()
    for event in events:
        history.append(event)
    return history


def reloaded(folder: Path, *events: Any) -> History:
    write_lines(folder, [to_json(event) for event in events])
    return History.read(folder)


def numbers(history: History) -> list[list[float]]:
    columns = (history.steps, history.loss, history.accuracy, history.smooth_loss)
    return [column.tolist() for column in (*columns, history.smooth_accuracy)]


class TestLive:
    def test_the_latest_batch_comes_back_as_it_was(self) -> None:
        history = live(batch(1, 1), batch(1, 2))
        assert history.latest == batch(1, 2)
        assert type(history.latest.epoch) is int
        assert live().latest is None

    def test_columns_handed_out_stay_as_they_were_while_it_grows(self) -> None:
        history = live(batch(1, 1, 0.9))
        loss = history.loss
        for number in range(2, 1000):
            history.append(batch(1, number, 0.1))
        assert loss.tolist() == [0.9]
        assert history.loss[[0, -1]].tolist() == [0.9, 0.1]

    def test_it_holds_no_object_for_each_batch(self) -> None:
        history = History()
        gc.collect()
        before = len(gc.get_objects())
        for number in range(5000):
            history.append(batch(1, number))
        assert len(gc.get_objects()) - before < 500

    def test_the_best_epoch_is_the_latest_that_was_best(self) -> None:
        later = EpochDone(2, 0.5, 0.7, 0.4, 0.8, False, 2.0)
        assert live(EPOCH, later).best == EPOCH
        assert live(later).best is None

    def test_averages_that_are_asked_for_in_between_are_those_of_the_whole(self) -> None:
        losses = np.random.default_rng(1).normal(1.0, 0.3, 700)
        history = History()
        for number, loss in enumerate(losses):
            history.append(batch(1, number, loss))
            if number % 60 == 0:
                assert len(history.smooth_loss) == number + 1
        np.testing.assert_allclose(history.smooth_loss, smoothed(losses), rtol=1e-9)


def test_a_run_is_the_same_live_and_reloaded(tmp_path: Path) -> None:
    done = TrainingDone(tmp_path, 1, 1, 9.0, 40.0, None, 0.75, 0.5)
    events = (batch(1, 1, 0.9), batch(1, 2), EPOCH, batch(2, 1), Resumed(1, 1), batch(1, 2), EPOCH)
    one, other = live(*events, done), reloaded(tmp_path, *events, done)
    assert numbers(one) == numbers(other)
    assert one.loss.tolist() == [0.9, 0.5]
    assert (one.epochs, one.epoch_ends) == (other.epochs, other.epoch_ends) == ([EPOCH], [2])
    assert one.test_accuracy == other.test_accuracy == 0.75
    assert other.n_damaged == 0


def test_speed_and_time_left_of_another_sitting_are_not_read(tmp_path: Path) -> None:
    latest = reloaded(tmp_path, batch(1, 1)).latest
    assert latest is not None
    assert (latest.loss, latest.images_per_second, latest.seconds_left) == (0.5, 0.0, 0.0)


def test_what_was_trained_again_after_a_resume_is_there_once(tmp_path: Path) -> None:
    first = [batch_line(1, n) for n in (1, 2, 3)]
    lost = [batch_line(2, 1, 7.0), batch_line(2, 2, 8.0), batch_line(2, 3, 8.0), epoch_line(2, 9.0)]
    again = [batch_line(2, 2, 0.2), batch_line(2, 3, 0.3), epoch_line(2, 0.4)]
    write_lines(tmp_path, [*first, epoch_line(1), *lost, RESUMED, *again])
    history = History.read(tmp_path)
    assert history.loss.tolist() == [1.0, 1.0, 1.0, 7.0, 0.2, 0.3]
    assert history.of_epochs("validation_loss").tolist() == [0.9, 0.4]
    assert history.epoch_ends == [3, 6]


def test_a_resume_at_the_beginning_of_an_epoch_keeps_the_one_before(tmp_path: Path) -> None:
    write_lines(tmp_path, [*story(1), batch_line(2, 1), {**RESUMED, "batch": 0}])
    history = History.read(tmp_path)
    assert (history.n_batches, [epoch.epoch for epoch in history.epochs]) == (3, [1])
    assert history.test_accuracy is None  # a run that goes on has not ended


def test_a_last_line_cut_by_a_kill_is_no_damage(tmp_path: Path) -> None:
    write_lines(tmp_path, story())
    with (tmp_path / METRICS_FILE).open("a") as file:
        file.write('{"event": "BatchDone", "epo')
    history = History.read(tmp_path)
    assert (history.n_batches, history.n_damaged) == (6, 0)


def test_a_line_behind_one_that_was_cut_and_one_without_its_end_are_read(tmp_path: Path) -> None:
    line = json.dumps(batch_line(1, 1))
    for content in ('{"event": "BatchD' + line + "\n", line):
        (tmp_path / METRICS_FILE).write_text(content)
        history = History.read(tmp_path)
        assert (history.n_batches, history.n_damaged) == (1, 0)


def test_a_damaged_line_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    good = json.dumps(batch_line(1, 1)).encode()
    for line in (
        b"garbage",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"event": 3}',
        b'{"event": "BatchDone"}',
        b'{"event": "EpochDone", "epoch": -1, "is_best": true}',
        b"[" * 100_000,
        b'{"event": "BatchDone", "epoch": 1, "batch": 1, "batches": 1, "loss": "low"}',
        b'{"event": "Resumed", "epoch": ' + b"9" * 5000 + b"}",
    ):
        (tmp_path / METRICS_FILE).write_bytes(b"\n".join((good, line, good, b"")))
        history = History.read(tmp_path)
        assert (history.n_batches, history.n_damaged) == (2, 1), line[:80]


def test_a_file_of_one_endless_line_is_read_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "MAX_LINE_BYTES", 1 << 10)
    monkeypatch.setattr(history_module, "BLOCK_BYTES", 1 << 10)
    (tmp_path / METRICS_FILE).write_bytes(b"x" * (1 << 14))
    assert History.read(tmp_path).n_damaged > 1


def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines(tmp_path, story())
    monkeypatch.setattr(history_module, "MAX_BYTES", 10)
    with pytest.raises(RunFolderError, match="larger than any run"):
        History.read(tmp_path)
    (tmp_path / METRICS_FILE).unlink()
    (tmp_path / METRICS_FILE).mkdir()
    with pytest.raises(RunFolderError, match=METRICS_FILE):
        History.read(tmp_path)


def test_a_run_that_recorded_nothing_has_an_empty_history(tmp_path: Path) -> None:
    history = History.read(tmp_path)
    assert (history.n_batches, history.epochs, history.latest) == (0, [], None)
    assert numbers(history) == [[], [], [], [], []]


def test_what_was_not_measured_is_nan_and_a_loss_that_diverged_is_read_as_it_is(
    tmp_path: Path,
) -> None:
    lines = [batch_line(1, 1, float("inf")), batch_line(1, 2, float("nan")), epoch_line(1, None)]
    write_lines(tmp_path, lines)
    history = History.read(tmp_path)
    assert np.isnan(history.of_epochs("validation_loss")).all()
    assert np.isinf(history.loss[0])
    assert np.isnan(history.loss[1])


def test_many_batches_are_all_read(tmp_path: Path) -> None:
    n = 20_000
    write_lines(tmp_path, [batch_line(1, number, number / n, n) for number in range(1, n + 1)])
    history = History.read(tmp_path)
    assert history.steps[-1] == n
    assert np.array_equal(history.loss, np.arange(1, n + 1) / n)


def test_smoothing_is_a_moving_average_without_a_start() -> None:
    values = np.random.default_rng(0).normal(1.0, 0.3, 500)
    expected, weight = 0.0, 0.0
    for value in values:
        expected, weight = 0.9 * expected + 0.1 * value, 0.9 * weight + 0.1
    assert smoothed(values)[-1] == pytest.approx(expected / weight, rel=1e-3)
    assert len(smoothed(np.array([]))) == 0


def test_smoothing_leaves_out_what_is_no_number() -> None:
    values = np.array([np.nan, 2.0, np.inf, 2.0])
    assert np.isnan(smoothed(values)[0])
    assert smoothed(values)[1:].tolist() == pytest.approx([2.0, 2.0, 2.0])
