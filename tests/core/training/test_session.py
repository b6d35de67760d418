import dataclasses
import json
from contextlib import closing
from pathlib import Path

import pytest

from core.config import TrainingConfig
from core.data import cache as cache_module
from core.data.dataset import LoadedDataset
from core.errors import ConfigError, DatasetError, DeviceError, RunFolderError
from core.events import BatchDone, Progress, TrainingDone
from core.models.model_file import read_card
from core.training.session import run_training
from core.workspace import Workspace
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


@pytest.fixture
def nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a film was decoded")

    monkeypatch.setattr(cache_module, "read_film", fail)


@pytest.mark.usefixtures("nothing_is_decoded")
class TestRefusedBeforeAnyWork:
    def refused(
        self,
        loaded: LoadedDataset,
        config: TrainingConfig,
        folder: Path,
        device: str = "cpu",
    ) -> None:
        config = config.changed(image_size=64)
        list(run_training(config, loaded, folder, device, Workspace(folder.parent / "home")))

    def test_a_folder_that_is_not_empty(
        self, loaded: LoadedDataset, config: TrainingConfig, tmp_path: Path
    ) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "notes.txt").write_text("mine")
        with pytest.raises(RunFolderError, match="not empty"):
            self.refused(loaded, config, tmp_path / "run")
        assert [file.name for file in (tmp_path / "run").iterdir()] == ["notes.txt"]

    def test_a_device_that_is_not_there(
        self, loaded: LoadedDataset, config: TrainingConfig, tmp_path: Path
    ) -> None:
        with pytest.raises(DeviceError, match="no device gpu:63"):
            self.refused(loaded, config, tmp_path / "run", "gpu:63")
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("name", ["N" * 201, "N\udce9", "N\x07"])
    def test_a_class_name_that_no_model_file_holds(
        self, name: str, loaded: LoadedDataset, config: TrainingConfig, tmp_path: Path
    ) -> None:
        dataset = dataclasses.replace(loaded.dataset, classes=(name, "NORMAL", "V"))
        strange = dataclasses.replace(loaded, dataset=dataset)
        with pytest.raises(DatasetError, match="a name of at most 200 ordinary") as caught:
            self.refused(strange, config, tmp_path / "run")
        assert len(str(caught.value)) < 250
        str(caught.value).encode("utf-8")
        assert not (tmp_path / "run").exists()

    def test_a_class_too_small_for_the_split(
        self, loaded: LoadedDataset, config: TrainingConfig, tmp_path: Path
    ) -> None:
        few = [r for r in loaded.dataset.records if r.label != 1 or r.name.endswith("000_0.png")]
        assert len(few) == 25
        dataset = dataclasses.replace(loaded.dataset, records=tuple(few))
        reference = config.changed(split="reference")
        with pytest.raises(DatasetError, match="The class NORMAL has too few images"):
            self.refused(dataclasses.replace(loaded, dataset=dataset), reference, tmp_path / "run")

    def test_settings_that_cannot_be(self, config: TrainingConfig) -> None:
        with pytest.raises(ConfigError):
            config.changed(epochs=0)


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
