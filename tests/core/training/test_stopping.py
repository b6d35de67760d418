import pytest

from core.training.loop import EarlyStopping


@pytest.mark.parametrize(
    ("patience", "epochs_since_best", "stops"),
    [(3, 0, False), (3, 2, False), (3, 3, True), (3, 4, True), (1, 1, True), (1, 0, False)],
)
def test_training_stops_once_patience_has_run_out(
    patience: int, epochs_since_best: int, stops: bool
) -> None:
    assert EarlyStopping(patience).should_stop(epochs_since_best) is stops


def test_without_patience_it_never_stops() -> None:
    assert not any(EarlyStopping(0).should_stop(epochs) for epochs in range(1000))
