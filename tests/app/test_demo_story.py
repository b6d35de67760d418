import pytest
from hands import wait_until

from app.application import Application
from core import demo


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
