import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import RunFolderError
from core.training import history
from core.training.history import read_curves, read_events, smoothed
from core.training.run_folder import METRICS_FILE
from tests.made_runs import batch_line, epoch_line, story, write_lines

RESUMED = {"event": "Resumed", "epoch": 2, "batch": 1}


def test_a_run_has_its_batches_and_epochs_as_arrays(tmp_path: Path) -> None:
    write_lines(tmp_path, story(n_epochs=2))
    curves = read_curves(tmp_path)
    assert curves.step.tolist() == [1, 2, 3, 4, 5, 6]
    assert curves.loss.tolist() == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]
    assert curves.epoch.tolist() == [1, 2]
    assert curves.epoch_step.tolist() == [3, 6]
    assert curves.validation_loss.tolist() == [1.0, 0.5]
    assert curves.validation_accuracy.tolist() == [0.75, 0.75]


def test_what_was_trained_again_after_a_resume_is_there_once(tmp_path: Path) -> None:
    first = [batch_line(1, n) for n in (1, 2, 3)]
    lost = [batch_line(2, 1, 7.0), batch_line(2, 2, 8.0), batch_line(2, 3, 8.0), epoch_line(2, 9.0)]
    again = [batch_line(2, 2, 0.2), batch_line(2, 3, 0.3), epoch_line(2, 0.4)]
    write_lines(tmp_path, [*first, epoch_line(1), *lost, RESUMED, *again])
    curves = read_curves(tmp_path)
    assert curves.loss.tolist() == [1.0, 1.0, 1.0, 7.0, 0.2, 0.3]
    assert curves.validation_loss.tolist() == [0.9, 0.4]
    assert curves.epoch_step.tolist() == [3, 6]


def test_a_resume_at_the_beginning_of_an_epoch_keeps_the_one_before(tmp_path: Path) -> None:
    lines = [batch_line(1, 1), epoch_line(1), batch_line(2, 1)]
    write_lines(tmp_path, [*lines, {"event": "Resumed", "epoch": 2, "batch": 0}])
    curves = read_curves(tmp_path)
    assert (len(curves.step), curves.epoch.tolist()) == (1, [1])


def test_a_run_that_goes_on_has_not_ended(tmp_path: Path) -> None:
    write_lines(tmp_path, [*story(), {"event": "Resumed", "epoch": 3, "batch": 0}])
    assert read_events(tmp_path / METRICS_FILE).done == {}


def test_a_last_line_cut_by_a_kill_is_no_damage(tmp_path: Path) -> None:
    write_lines(tmp_path, story())
    with (tmp_path / METRICS_FILE).open("a") as file:
        file.write('{"event": "BatchDone", "epo')
    assert read_events(tmp_path / METRICS_FILE).n_damaged == 0
    assert len(read_curves(tmp_path).step) == 6


def test_a_line_behind_one_that_was_cut_is_read(tmp_path: Path) -> None:
    path = tmp_path / METRICS_FILE
    path.write_text('{"event": "BatchD' + json.dumps(batch_line(1, 1)) + "\n")
    events = read_events(path)
    assert (len(events.batches), events.n_damaged) == (1, 0)


def test_a_last_line_without_its_end_of_line_counts(tmp_path: Path) -> None:
    path = tmp_path / METRICS_FILE
    path.write_text(json.dumps(batch_line(1, 1)))
    assert len(read_events(path).batches) == 1


@pytest.mark.parametrize(
    "line",
    [
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
    ],
)
def test_a_damaged_line_is_counted_and_the_others_are_read(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / METRICS_FILE
    good = json.dumps(batch_line(1, 1)).encode()
    path.write_bytes(b"\n".join((good, line, good, b"")))
    events = read_events(path)
    assert (len(events.batches), events.n_damaged) == (2, 1)


def test_a_file_of_one_endless_line_is_read_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_LINE_BYTES", 1 << 10)
    monkeypatch.setattr(history, "BLOCK_BYTES", 1 << 10)
    (tmp_path / METRICS_FILE).write_bytes(b"x" * (1 << 14))
    assert read_events(tmp_path / METRICS_FILE).n_damaged > 1


def test_a_file_larger_than_any_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_BYTES", 10)
    write_lines(tmp_path, story())
    with pytest.raises(RunFolderError, match="larger than any run"):
        read_curves(tmp_path)


def test_a_run_that_recorded_nothing_has_empty_curves(tmp_path: Path) -> None:
    curves = read_curves(tmp_path)
    assert (len(curves.step), len(curves.epoch)) == (0, 0)


def test_what_was_not_measured_is_nan(tmp_path: Path) -> None:
    write_lines(tmp_path, [epoch_line(1, None)])
    assert np.isnan(read_curves(tmp_path).validation_loss).all()


def test_a_loss_that_ran_away_is_read_as_it_is(tmp_path: Path) -> None:
    write_lines(tmp_path, [batch_line(1, 1, float("inf")), batch_line(1, 2, float("nan"))])
    loss = read_curves(tmp_path).loss
    assert np.isinf(loss[0])
    assert np.isnan(loss[1])


def test_many_batches_are_all_read(tmp_path: Path) -> None:
    n = 20_000
    write_lines(tmp_path, [batch_line(1, number, number / n, n) for number in range(1, n + 1)])
    curves = read_curves(tmp_path)
    assert curves.step[-1] == n
    assert np.array_equal(curves.loss, np.arange(1, n + 1) / n)


def test_smoothing_is_the_moving_average_of_the_train_page() -> None:
    values = np.random.default_rng(0).normal(1.0, 0.3, 500)
    expected, weight = 0.0, 0.0
    for value in values:
        expected, weight = 0.9 * expected + 0.1 * value, 0.9 * weight + 0.1
    assert smoothed(values)[-1] == pytest.approx(expected / weight, rel=1e-3)


def test_smoothing_leaves_out_what_is_no_number() -> None:
    values = np.array([np.nan, 2.0, np.inf, 2.0])
    assert np.isnan(smoothed(values)[0])
    assert smoothed(values)[1:].tolist() == pytest.approx([2.0, 2.0, 2.0])


def test_nothing_is_smoothed_to_nothing() -> None:
    assert len(smoothed(np.array([]))) == 0
