"""Runs that are interrupted and go on."""

import itertools
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.config import TrainingConfig
from core.data.dataset import LoadedDataset, load_dataset
from core.data.edits import Edits
from core.errors import DeviceError, Message, PneumoScopeError, RunFolderError
from core.events import (
    BatchDone,
    BatchHalved,
    EpochDone,
    Progress,
    Resumed,
    TrainingDone,
    TrainingEvent,
    TrainingStarted,
)
from core.models.initial_weights import InitialWeights
from core.models.model_file import open_model, read_card
from core.runtime.memory import OutOfMemoryError
from core.training import loop
from core.training.checkpoint import NEWEST_FILE, PREVIOUS_FILE
from core.training.learner import Learner, StepResult
from core.training.run_description import (
    RUN_FILE,
    is_altered,
    read_description,
    rename_run,
    write_description,
)
from core.training.run_folder import RunLock, mark_paused
from core.training.session import ChangedRunError, resume_training, run_training
from core.workspace import Workspace
from tests.core.conftest import draw
from tests.core.training.conftest import newest_checkpoint, of
from tests.made_runs import read_run

pytestmark = pytest.mark.usefixtures("narrow_network")
Start = Callable[..., Iterator[TrainingEvent]]
FIGURES = {
    "BatchDone": ("epoch", "batch", "batches", "loss", "accuracy", "learning_rate"),
    "EpochDone": ("epoch", "train_loss", "validation_loss", "validation_accuracy", "is_best"),
    "TrainingDone": ("epochs", "best_epoch", "test_loss", "test_accuracy", "weights_sha256"),
}


@pytest.fixture
def start(
    loaded: LoadedDataset, config: TrainingConfig, shared_workspace: Workspace, tmp_path: Path
) -> Start:
    """Begin a run in the folder `name`."""

    def call(name: str, **changes: Any) -> Iterator[TrainingEvent]:
        changed = config.changed(**changes)
        return run_training(changed, loaded, tmp_path / name, "cpu", shared_workspace)

    return call


@pytest.fixture
def resume(shared_workspace: Workspace, tmp_path: Path) -> Start:
    """Go on with the run in the folder `name`."""

    def call(name: str, extra_epochs: int = 0) -> Iterator[TrainingEvent]:
        return resume_training(tmp_path / name, shared_workspace, "auto", extra_epochs)

    return call


def stop_at(events: Iterator[TrainingEvent], wanted: Callable[[TrainingEvent], bool]) -> None:
    with closing(events) as running:  # type: ignore[type-var]
        assert any(wanted(event) for event in running), "it ended before that"


def nth_batch(n: int) -> Callable[[TrainingEvent], bool]:
    counter = itertools.count(1)
    return lambda event: isinstance(event, BatchDone) and next(counter) == n


def stage(name: str) -> Callable[[TrainingEvent], bool]:
    return lambda event: isinstance(event, Progress) and str(event.stage) == name


def figures(folder: Path) -> dict[str, list[list[Any]]]:
    """Return the records of a run that do not depend on the clock."""
    events = read_run(folder)[1]
    return {
        kind: [[event[name] for name in names] for event in events if event["event"] == kind]
        for kind, names in FIGURES.items()
    }


def without_times(weights: Path) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in open_model(weights)[1].items()}


@pytest.fixture(scope="module")
def whole(
    narrow_network: None,
    loaded: LoadedDataset,
    config: TrainingConfig,
    shared_workspace: Workspace,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, list[list[Any]]]:
    """Return the figures of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    list(run_training(config, loaded, folder, "cpu", shared_workspace))
    return figures(folder)


CHANGES: list[dict[str, Any]] = [
    {"class_balance": "sampling", "averaging": 0.9, "optimiser": "sgd", "schedule": "cosine"},
    {"preset": "reference", "split": "reference", "optimiser": "adam", "is_norm_warmed_up": True},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_a_run_stopped_at_every_turn_ends_as_one_that_was_not(
    changes: dict[str, Any], start: Start, resume: Start, tmp_path: Path
) -> None:
    list(start("whole", **changes))
    stop_at(start("broken", **changes), lambda event: isinstance(event, TrainingStarted))
    stop_at(resume("broken"), nth_batch(2))
    stop_at(resume("broken"), nth_batch(1))  # the last of its epoch, or the one before
    if changes.get("split") != "reference":
        stop_at(resume("broken"), stage("Validating"))
    stop_at(resume("broken"), lambda event: isinstance(event, EpochDone))
    stop_at(resume("broken"), nth_batch(1))
    stop_at(resume("broken"), stage("Testing"))
    assert isinstance(list(resume("broken"))[-1], TrainingDone)
    assert figures(tmp_path / "broken") == figures(tmp_path / "whole")
    for name in ("best.safetensors", "last.safetensors"):
        one, other = (without_times(tmp_path / run / name) for run in ("broken", "whole"))
        assert one == other


def copy_settled(live: Path, copy: Path) -> None:
    """Copy a run whose writer may still be busy with what it was given; it gets no more."""
    while not copy.exists():
        try:
            shutil.copytree(live, copy)
        except shutil.Error:  # a file was renamed meanwhile
            shutil.rmtree(copy)


def test_a_run_killed_after_its_checkpoint_trains_once_more_what_came_after(
    whole: dict[str, Any],
    start: Start,
    resume: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY_S", 0.0)
    with closing(start("live")) as events:  # type: ignore[type-var]
        next(event for event in events if isinstance(event, EpochDone) and event.epoch == 1)
        copy_settled(tmp_path / "live", tmp_path / "killed")  # what a kill would leave
    events = list(resume("killed"))
    [resumed] = of(Resumed, events)
    assert (resumed.epoch, resumed.batch) <= (1, 3)
    assert figures(tmp_path / "killed") == whole


def test_it_says_where_it_goes_on(start: Start, resume: Start, tmp_path: Path) -> None:
    stop_at(start("run"), nth_batch(5))
    events = [event for event in resume("run") if not isinstance(event, Progress)]
    assert isinstance(events[0], TrainingStarted)
    assert events[1] == Resumed(epoch=2, batch=2)
    assert [(e.epoch, e.batch) for e in of(BatchDone, events)] == [(2, 3)]
    assert "resumed in epoch 2 after batch 2" in (tmp_path / "run" / "log.txt").read_text()
    assert read_run(tmp_path / "run")[0]["status"] == "finished"


def test_it_warns_where_the_number_of_threads_differs(
    start: Start, resume: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    stop_at(start("run"), nth_batch(5))
    assert read_run(tmp_path / "run")[0]["device"]["threads"] == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    [resumed] = of(Resumed, resume("run"))
    assert resumed.threads == (2, 7)
    assert "set OMP_NUM_THREADS=2" in str(resumed.warning)


def test_a_run_without_a_checkpoint_begins_anew(
    whole: dict[str, Any], start: Start, resume: Start, tmp_path: Path
) -> None:
    stop_at(start("early"), lambda event: isinstance(event, TrainingStarted))
    (tmp_path / "early" / NEWEST_FILE).unlink()
    (tmp_path / "early" / "last.safetensors").unlink()
    [resumed] = of(Resumed, resume("early"))
    assert (resumed.epoch, resumed.batch) == (1, 0)
    assert figures(tmp_path / "early") == whole


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_the_checkpoint_before_stands_in_for_a_damaged_one(
    damage: Callable[[Path], object],
    whole: dict[str, Any],
    start: Start,
    resume: Start,
    tmp_path: Path,
) -> None:
    stop_at(start("run"), nth_batch(4))
    assert (tmp_path / "run" / PREVIOUS_FILE).exists()  # of the first epoch's end
    damage(tmp_path / "run" / NEWEST_FILE)
    [resumed] = of(Resumed, resume("run"))
    assert resumed == Resumed(epoch=2, batch=0, is_from_previous=True)
    assert figures(tmp_path / "run") == whole


def test_batches_that_were_halved_stay_small(
    start: Start, resume: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Learner.step

    def step(learner: Learner, batch: Any, rate: float) -> StepResult:
        if len(batch.labels) > 4:
            raise OutOfMemoryError(Message("full"))
        return real(learner, batch, rate)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", step)
        stop_at(start("run"), nth_batch(2))
    events = list(resume("run"))
    assert of(BatchHalved, events) == []
    assert of(BatchDone, events)[0].batches == 6  # 24 films, 4 each


def test_a_best_model_that_is_gone_is_made_anew(
    start: Start, resume: Start, tmp_path: Path
) -> None:
    stop_at(start("run"), nth_batch(4))
    (tmp_path / "run" / "best.safetensors").unlink()
    done = list(resume("run"))[-1]
    assert isinstance(done, TrainingDone)
    assert read_card(done.model).history["best_epoch"] == 2


class TestMoreEpochs:
    def test_a_finished_run_trains_for_longer(
        self, start: Start, resume: Start, tmp_path: Path
    ) -> None:
        list(start("run"))
        done = list(resume("run", extra_epochs=2))[-1]
        assert isinstance(done, TrainingDone)
        assert done.epochs == 4
        description, events = read_run(tmp_path / "run")
        assert TrainingConfig.from_json(description["config"]).n_epochs == 4
        assert [e["epoch"] for e in events if e["event"] == "EpochDone"] == [1, 2, 3, 4]
        assert sum(e["event"] == "TrainingDone" for e in events) == 1
        assert read_card(tmp_path / "run" / "last.safetensors").history["epochs"] == 4

    @pytest.mark.slow
    def test_they_can_be_interrupted_too(self, start: Start, resume: Start, tmp_path: Path) -> None:
        for name in ("whole", "broken"):
            list(start(name))
        list(resume("whole", extra_epochs=2))
        stop_at(resume("broken", extra_epochs=2), nth_batch(4))
        list(resume("broken"))
        assert figures(tmp_path / "broken") == figures(tmp_path / "whole")

    def test_a_finished_run_without_more_is_refused(self, start: Start, resume: Start) -> None:
        list(start("run"))
        with pytest.raises(RunFolderError, match="is finished; there is nothing left to train"):
            next(resume("run"))


def test_early_stopping_ends_a_run_and_more_epochs_go_beyond_it(
    start: Start, resume: Start
) -> None:
    changes = {"epochs": 9, "early_stopping_patience": 2, "learning_rate": 1e-8}
    done = list(start("run", **changes))[-1]
    assert isinstance(done, TrainingDone)
    assert done.epochs == done.best_epoch + 2 < 9
    done = list(resume("run", extra_epochs=1))[-1]
    assert isinstance(done, TrainingDone)
    assert done.epochs == 10


def entries(folder: Path, entry: str, **changes: object) -> dict[str, Any]:
    return {entry: {**read_run(folder)[0][entry], **changes}}


class TestRefused:
    @pytest.fixture
    def stopped(self, start: Start, tmp_path: Path) -> Path:
        stop_at(start("run"), nth_batch(2))
        return tmp_path / "run"

    def unchanged(self, folder: Path, error: type[PneumoScopeError], text: str) -> None:
        """Resuming is refused and changes nothing."""
        before = {path: path.read_bytes() for path in folder.iterdir()}
        with pytest.raises(error, match=text):
            list(resume_training(folder, Workspace(folder.parent / "home"), "cpu"))
        assert {path: path.read_bytes() for path in folder.iterdir()} == before

    def test_a_folder_without_a_run(self, tmp_path: Path) -> None:
        self.unchanged(tmp_path, RunFolderError, "holds no readable run")

    def test_a_run_that_trains_elsewhere(self, stopped: Path) -> None:
        with RunLock(stopped):
            self.unchanged(stopped, RunFolderError, "is being trained already, by the process")

    def test_two_damaged_checkpoints(self, stopped: Path) -> None:
        for name in (NEWEST_FILE, PREVIOUS_FILE):
            (stopped / name).write_bytes(b"?" * 99)
        self.unchanged(stopped, RunFolderError, "its checkpoint is of no use")

    def test_a_device_that_is_not_there(self, stopped: Path, tmp_path: Path) -> None:
        with pytest.raises(DeviceError, match="no device gpu:63"):
            list(resume_training(stopped, Workspace(tmp_path / "home"), "gpu:63"))

    def test_a_description_of_something_else(self, stopped: Path) -> None:
        path = stopped / RUN_FILE
        description = path.read_bytes()
        no_dataset = "its entry dataset is not what it must be"
        other_films = "are not those that this run began with"
        for changes, text in (
            *[({"config": bad}, "run.json are damaged") for bad in (None, {"epochs": "many"}, [])],
            *[({"dataset": bad}, no_dataset) for bad in (None, {}, {"sources": 3}, [])],
            (
                entries(stopped, "dataset", edits={"version": 99}),
                "What the run .* was going to do cannot be read",
            ),
            (
                entries(stopped, "dataset", sources=["/nowhere/films.zip"]),
                "gone: /nowhere/films.zip is not there any more",
            ),
            (entries(stopped, "dataset", fingerprint="0" * 64), other_films),
            ({"split": None}, other_films),
            ({"split_sha256": "0"}, other_films),
        ):
            path.write_text(json.dumps({**json.loads(description), **changes}))
            self.unchanged(stopped, RunFolderError, text)
            path.write_bytes(description)

    @pytest.mark.parametrize(
        ("entry", "changes", "told"),
        [
            ("config", {"learning_rate": 0.5}, "learning_rate: .* -> 0.5"),
            ("config", {"seed": 99}, "seed: .* -> 99"),
            ("config", {"epochs": 77}, "epochs: .* -> 77"),
            ("config", {"extra_epochs": 3}, "run.json"),
            ("device", {"description": "another"}, "run.json"),
            ("dataset", {"classes": {"COVID": 1, "NORMAL": 2}}, "run.json"),
        ],
    )
    def test_a_description_that_was_changed_since(
        self, stopped: Path, entry: str, changes: dict[str, Any], told: str
    ) -> None:
        path = stopped / RUN_FILE
        changed = {**json.loads(path.read_text()), **entries(stopped, entry, **changes)}
        path.write_text(json.dumps(changed))
        self.unchanged(stopped, ChangedRunError, f"changed are: {told}")
        rename_run(stopped, "mine")  # seals nothing that was changed by others
        self.unchanged(stopped, ChangedRunError, f"changed are: {told}")
        del changed["sha256"]
        path.write_text(json.dumps(changed))
        self.unchanged(stopped, ChangedRunError, f"changed are: {told}")

    def test_a_description_of_another_run(self, stopped: Path) -> None:
        description = read_description(stopped)
        config = description.config.changed(seed=99)
        write_description(stopped, description.with_entries(config=config))
        self.unchanged(stopped, ChangedRunError, "seed: .* -> 99")

    def test_a_description_that_is_laid_out_otherwise_is_the_same(self, stopped: Path) -> None:
        path = stopped / RUN_FILE
        path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))
        assert is_altered(stopped) is False

    def test_changes_that_are_accepted(self, stopped: Path) -> None:
        path = stopped / RUN_FILE
        changes = entries(stopped, "config", learning_rate=0.0005)
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
        workspace = Workspace(stopped.parent / "home")
        done = list(resume_training(stopped, workspace, "cpu", accepts_changes=True))[-1]
        assert isinstance(done, TrainingDone)
        assert is_altered(stopped) is False
        saved = newest_checkpoint(stopped).settings
        assert saved is not None
        assert saved["learning_rate"] == 0.0005

    def test_a_checkpoint_of_another_network(self, stopped: Path) -> None:
        path = stopped / RUN_FILE
        changes = entries(stopped, "config", architecture="resnet34")
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
        workspace = Workspace(stopped.parent / "home")
        with pytest.raises(PneumoScopeError, match="does not fit this run"):
            list(resume_training(stopped, workspace, "cpu", accepts_changes=True))


def test_edits_and_a_cache_of_another_size_are_found_again(
    config: TrainingConfig, tmp_path: Path
) -> None:
    films = tmp_path / "films"
    for label, name in enumerate(("COVID", "NORMAL")):
        (films / name).mkdir(parents=True)
        for number in range(12):
            Image.fromarray(draw(label, number)).save(films / name / f"{number}.png")
    workspace = Workspace(tmp_path / "home")
    *_, loaded = load_dataset([films], workspace, 40)
    assert isinstance(loaded, LoadedDataset)
    loaded = loaded.edited(Edits().leave_out(["COVID/3.png"]))
    stop_at(run_training(config, loaded, tmp_path / "run", "cpu", workspace), nth_batch(2))
    shutil.rmtree(workspace.caches)  # all of it can be made again
    assert isinstance(list(resume_training(tmp_path / "run", workspace))[-1], TrainingDone)
    names = read_run(tmp_path / "run")[0]["split"]
    assert not any("COVID/3.png" in part for part in names.values())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no file that is mapped")
def test_a_cache_and_films_that_are_deleted_meanwhile_do_not_matter(
    config: TrainingConfig, films_folder: Path, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "home")
    films = shutil.copytree(films_folder, tmp_path / "films")
    *_, loaded = load_dataset([films], workspace, 32)
    assert isinstance(loaded, LoadedDataset)
    with closing(run_training(config, loaded, tmp_path / "run", "cpu", workspace)) as events:
        next(event for event in events if isinstance(event, BatchDone))
        shutil.rmtree(workspace.root)
        shutil.rmtree(films)
        assert isinstance(list(events)[-1], TrainingDone)
    with pytest.raises(RunFolderError, match=f"gone: {films} is not there any more. Put it back"):
        list(resume_training(tmp_path / "run", workspace, extra_epochs=1))


def test_initial_weights_are_noted_and_saved_at_once(
    loaded: LoadedDataset, config: TrainingConfig, shared_workspace: Workspace, tmp_path: Path
) -> None:
    bias = np.full(3, 0.25, np.float32)
    initial = InitialWeights(
        "mine.safetensors", "ours", {"fc.bias": bias}, ("fc.bias",), (), (), ()
    )
    folder = tmp_path / "run"
    events = run_training(config, loaded, folder, "cpu", shared_workspace, initial)
    stop_at(events, lambda event: isinstance(event, TrainingStarted))
    assert read_run(folder)[0]["config"]["initial_weights"] == "mine.safetensors"
    assert np.array_equal(newest_checkpoint(folder).arrays["network/fc.bias"], bias)
    (folder / NEWEST_FILE).unlink()
    (folder / PREVIOUS_FILE).unlink(missing_ok=True)
    with pytest.raises(RunFolderError, match="nothing of it was saved yet"):
        list(resume_training(folder, shared_workspace))


def test_a_run_is_locked_while_it_trains_and_free_afterwards(
    start: Start, resume: Start, tmp_path: Path
) -> None:
    with closing(start("run")) as events:  # type: ignore[type-var]
        next(event for event in events if isinstance(event, BatchDone))
        with pytest.raises(RunFolderError, match="is being trained already"):
            next(resume("run"))
    mark_paused(tmp_path / "run")
    assert read_run(tmp_path / "run")[0]["status"] == "paused"
    stop_at(resume("run"), nth_batch(1))
