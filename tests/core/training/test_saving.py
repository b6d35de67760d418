import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import files
from core.errors import RunFolderError
from core.training.checkpoint import load_checkpoint
from core.training.loop import FIRST_SAVE_S, SAVE_EVERY_S, Saving
from core.training.run_folder import RunFolder
from core.training.run_models import RunModels
from tests.core.training.checkpoints import checkpoint
from tests.made_runs import description


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", description())


@pytest.fixture
def saving(run: RunFolder, clock: Clock) -> Iterator[Saving]:
    models = RunModels(run, None, None)  # type: ignore[arg-type]
    saving = Saving(run, models, clock)
    yield saving
    saving.abandon()


def test_the_first_checkpoint_is_due_soon_and_later_ones_every_minute(
    saving: Saving, clock: Clock
) -> None:
    due = []
    for second in range(180):
        clock.now = 100.0 + second
        if saving.is_due:
            due.append(second)
            saving.submit(checkpoint)
    assert due == [FIRST_SAVE_S, FIRST_SAVE_S + SAVE_EVERY_S, FIRST_SAVE_S + 2 * SAVE_EVERY_S]


def test_a_trouble_is_told_once_until_it_is_over(
    saving: Saving, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_bytes", full)
        saving.submit(checkpoint)
        saving.make_room()  # waits for the attempt
        assert [str(event.message).count("No space left") for event in saving.troubles()] == [1]
        assert list(saving.troubles()) == []
        with pytest.raises(RunFolderError, match=r"could not be saved in .* \(No space left"):
            saving.finish()
    assert "could not be saved" in (run.path / "log.txt").read_text()


def test_what_was_refused_is_written_with_the_next_one(
    saving: Saving, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_bytes", forbidden)
        saving.submit(checkpoint)
        saving.make_room()
    saving.submit(lambda: checkpoint(2))
    saving.finish()
    assert list(saving.troubles()) == []
    found = load_checkpoint(run.path)
    assert found is not None
    assert found.checkpoint.position.epoch == 2
