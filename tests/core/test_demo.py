import zipfile

import pytest

from core import demo
from core.config import preset
from core.events import Progress
from core.workspace import Workspace


@pytest.fixture(autouse=True)
def _few_films(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "FILMS_PER_CLASS", 2)
    monkeypatch.setattr(demo, "FILM_SIZE", 48)


def test_the_films_are_drawn_once(workspace: Workspace) -> None:
    steps = list(demo.draw_demo(workspace))
    assert isinstance(steps[-1], Progress)
    assert steps[-1].done == steps[-1].total == 6
    path = demo.demo_archive(workspace)
    before = path.stat().st_mtime_ns
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 6
    assert list(demo.draw_demo(workspace)) == []
    assert path.stat().st_mtime_ns == before


def test_a_cancelled_drawing_is_begun_again(workspace: Workspace) -> None:
    drawing = demo.draw_demo(workspace)
    next(drawing)
    drawing.close()  # type: ignore[attr-defined]
    assert list(workspace.demos.iterdir()) == []
    assert len(list(demo.draw_demo(workspace))) == 6


def test_other_sizes_are_other_archives(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = demo.demo_archive(workspace)
    monkeypatch.setattr(demo, "FILM_SIZE", 64)
    assert demo.demo_archive(workspace) != before


def test_the_settings_are_the_recommended_ones_at_a_small_size() -> None:
    config, recommended = demo.demo_config(), preset("recommended")
    assert config.preprocessing.image_size == demo.IMAGE_SIZE
    assert config.preprocessing.mean == recommended.preprocessing.mean
    assert config.epochs == demo.EPOCHS
    assert (config.optimiser, config.split) == (recommended.optimiser, recommended.split)
