import gc

from core.events import BatchDone
from core.training.history import BatchRecord

ONE = BatchDone(1, 1, 2, 0.9, 0.25, 1e-3, 40.0, 12.5)
TWO = BatchDone(1, 2, 2, 0.7, 0.75, 2e-3, 41.0, 11.5)


def test_what_was_appended_comes_back_as_it_was() -> None:
    record = BatchRecord([ONE, TWO])
    assert [*record] == [ONE, TWO]
    assert record[-1] == TWO
    assert type(record[-1].epoch) is int
    assert record[1:] == [TWO]
    assert len(record) == 2


def test_the_curves_are_arrays() -> None:
    record = BatchRecord([ONE, TWO])
    assert record.losses.tolist() == [0.9, 0.7]
    assert record.accuracies.tolist() == [0.25, 0.75]


def test_an_array_that_was_handed_out_does_not_keep_it_from_growing() -> None:
    record = BatchRecord([ONE])
    losses = record.losses
    record.append(TWO)
    assert losses.tolist() == [0.9]


def test_the_garbage_collector_has_no_more_to_look_through() -> None:
    record = BatchRecord()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(5000):
        record.append(ONE)
    assert len(gc.get_objects()) - before < 500
