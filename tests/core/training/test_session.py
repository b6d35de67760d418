import dataclasses
import json
from collections.abc import Callable
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.config import TrainingConfig
from core.data import cache as cache_module
from core.data.dataset import LoadedDataset, load_dataset
from core.errors import DatasetError, DeviceError, RunFolderError
from core.events import BatchDone, Progress, TrainingDone
from core.models.model_file import read_card
from core.training.session import resume_training, run_training
from core.workspace import Workspace
from tests.core.conftest import draw
from tests.made_runs import read_run

pytestmark = pytest.mark.usefixtures("narrow_network")


def test_a_whole_run_leaves_a_folder_that_explains_itself(
    loaded: LoadedDataset, config: TrainingConfig, tmp_path: Path, shared_workspace: Workspace
) -> None:
    config = config.changed(epochs=1)
    events = list(run_training(config, loaded, tmp_path / "run", "cpu", shared_workspace))
    assert isinstance(events[-1], TrainingDone)
    description, recorded = read_run(tmp_path / "run")
    assert TrainingConfig.from_json(description["config"]) == config
    assert description["status"] == "finished"
    assert description["device"]["name"] == "cpu"
    assert description["dataset"]["fingerprint"] == loaded.dataset.fingerprint
    assert description["dataset"]["classes"] == dict.fromkeys(loaded.dataset.classes, 12)
    names = [name for part in description["split"].values() for name in part]
    assert sorted(names) == sorted(record.name for record in loaded.dataset.records)
    assert next(event["event"] for event in recorded) == "TrainingStarted"
    assert {file.name for file in (tmp_path / "run").iterdir()} == {
        "run.json",
        "metrics.jsonl",
        "log.txt",
        "best.safetensors",
        "last.safetensors",
        "last.checkpoint",
    }


def test_films_are_decoded_at_the_runs_size_and_only_once(
    loaded: LoadedDataset, config: TrainingConfig, tmp_path: Path, workspace: Workspace
) -> None:
    config = config.changed(image_size=48)
    stages = []
    for folder in ("one", "two"):
        events = run_training(config, loaded, tmp_path / folder, "cpu", workspace)
        with closing(events) as running:  # type: ignore[type-var]
            before = []
            for event in running:
                if isinstance(event, BatchDone):
                    break
                if isinstance(event, Progress):
                    before.append(str(event.stage))
        stages.append(before)
        assert read_run(tmp_path / folder)[0]["status"] == "stopped"
        assert read_card(tmp_path / folder / "last.safetensors").preprocessing.image_size == 48
    assert stages == [["Reading films"] * 36, []]


def test_stopping_while_films_are_decoded_makes_no_run(
    loaded: LoadedDataset, config: TrainingConfig, tmp_path: Path, workspace: Workspace
) -> None:
    config = config.changed(image_size=40)
    events = run_training(config, loaded, tmp_path / "run", "cpu", workspace)
    assert isinstance(next(events), Progress)
    events.close()  # type: ignore[attr-defined]
    assert not (tmp_path / "run").exists()
    assert list(workspace.caches.glob("*/")) == []


class TestRefusedBeforeAnyWork:
    @pytest.fixture
    def attempt(
        self,
        loaded: LoadedDataset,
        config: TrainingConfig,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Callable[..., object]:
        def fail(*_: object) -> None:
            raise AssertionError("a film was decoded")

        monkeypatch.setattr(cache_module, "read_film", fail)

        def call(device: str = "cpu", split: str = "stratified", **changes: Any) -> object:
            dataset = dataclasses.replace(loaded.dataset, **changes)
            strange = dataclasses.replace(loaded, dataset=dataset)
            changed = config.changed(image_size=64, split=split)
            workspace = Workspace(tmp_path / "home")
            return list(run_training(changed, strange, tmp_path / "run", device, workspace))

        return call

    def test_a_folder_that_is_not_empty(
        self, attempt: Callable[..., object], tmp_path: Path
    ) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "notes.txt").write_text("mine")
        with pytest.raises(RunFolderError, match="not empty"):
            attempt()
        assert [file.name for file in (tmp_path / "run").iterdir()] == ["notes.txt"]

    def test_a_device_that_is_not_there(
        self, attempt: Callable[..., object], tmp_path: Path
    ) -> None:
        with pytest.raises(DeviceError, match="no device gpu:63"):
            attempt("gpu:63")
        assert not (tmp_path / "run").exists()

    def test_a_class_name_that_no_model_file_holds(
        self, attempt: Callable[..., object], tmp_path: Path
    ) -> None:
        for name in ("N" * 201, "N\udce9", "N\x07"):
            with pytest.raises(DatasetError, match="a name of at most 200 ordinary") as caught:
                attempt(classes=(name, "NORMAL", "V"))
            assert len(str(caught.value).encode("utf-8")) < 250
            assert not (tmp_path / "run").exists()

    def test_a_class_too_small_for_the_split(
        self, attempt: Callable[..., object], loaded: LoadedDataset
    ) -> None:
        records = loaded.dataset.records
        few = tuple(r for r in records if r.label != 1 or r.name.endswith("000_0.png"))
        assert len(few) == 25
        with pytest.raises(DatasetError, match="The class NORMAL has too few images"):
            attempt(split="reference", records=few)


def test_a_source_with_an_undecodable_name_is_no_obstacle(
    loaded: LoadedDataset, config: TrainingConfig, tmp_path: Path, shared_workspace: Workspace
) -> None:
    dataset = dataclasses.replace(loaded.dataset, sources=(Path("/x/films\udce9.zip"),))
    strange = dataclasses.replace(loaded, dataset=dataset)
    events = run_training(config, strange, tmp_path / "run", "cpu", shared_workspace)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["status"] == "stopped"
    assert read_card(tmp_path / "run" / "last.safetensors").dataset["name"] == r"films\xe9.zip"


def test_a_run_goes_on_with_the_class_folders_that_it_began_with(
    config: TrainingConfig, tmp_path: Path, workspace: Workspace
) -> None:
    for label, (name, view) in enumerate(product(("Normal", "TB"), ("AP", "PA"))):
        folder = tmp_path / "films" / name / view
        folder.mkdir(parents=True)
        for number in range(6):
            Image.fromarray(draw(label % 3, 10 * label + number)).save(folder / f"{number}.png")
    *_, loaded = load_dataset([tmp_path / "films"], workspace, 32, class_level=2)
    assert isinstance(loaded, LoadedDataset)
    config = config.changed(epochs=1)
    list(run_training(config, loaded, tmp_path / "run", "cpu", workspace))
    assert read_run(tmp_path / "run")[0]["dataset"]["class_levels"] == [2]
    *_, done = resume_training(tmp_path / "run", workspace, "cpu", extra_epochs=1)
    assert isinstance(done, TrainingDone)
    assert read_card(done.model).classes == ("AP", "PA")
