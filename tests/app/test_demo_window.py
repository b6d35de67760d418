from pathlib import Path

import pytest

from app.application import Application
from core import demo
from tests.app.hands import wait_until


@pytest.fixture
def tiny_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("FILMS_PER_CLASS", 10),
        ("FILM_SIZE", 48),
        ("IMAGE_SIZE", 32),
        ("EPOCHS", 1),
    ):
        monkeypatch.setattr(demo, name, value)


@pytest.mark.usefixtures("tiny_demo")
def test_the_demo_loads_trains_evaluates_reads_and_leaves_the_user_in_charge(
    application: Application,
) -> None:
    application.start([], demo=True)
    reading = application.reading
    wait_until(lambda: application.window.reading_page.isVisible() and len(reading.films) == 3)
    assert application.training.result is not None
    assert application.training.config == demo.demo_config()
    assert application.evaluation.result is not None
    assert application.evaluation.result.model == application.training.result.model
    wait_until(lambda: not reading.is_busy)
    # What the user does now is not taken for a step of the story.
    application.data.open_demo()
    wait_until(lambda: not application.data.is_busy)
    assert not application.training.is_training


@pytest.mark.usefixtures("tiny_demo")
def test_whoever_cancels_or_stops_the_demo_goes_on_alone(
    application: Application, films_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "EPOCHS", 500)
    application.start([], demo=True)
    wait_until(lambda: application.data.is_busy)
    application.data.cancel()
    wait_until(lambda: not application.data.is_busy)
    application.data.open([films_zip])
    wait_until(lambda: not application.data.is_busy and application.data.dataset is not None)
    assert not application.training.is_training

    application.start([], demo=True)
    wait_until(lambda: application.training.history.n_batches > 0)
    application.training.pause()
    wait_until(lambda: not application.training.is_training)
    application.data.open([films_zip])
    wait_until(lambda: not application.data.is_busy)
    assert not application.training.is_training
    application.training.change(epochs=1)
    application.training.start()
    wait_until(lambda: application.training.result is not None)
    assert not application.evaluation.is_busy
    assert application.evaluation.result is None
