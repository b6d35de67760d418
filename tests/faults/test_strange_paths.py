"""Films and runs in folders whose names hold anything that Linux allows."""

import os
import sys
from pathlib import Path

import pytest

from core.config import Preprocessing, preset
from core.data.dataset import LoadedDataset, load_dataset
from core.events import EpochDone, TrainingDone
from core.phantom import write_dataset
from core.training.run_description import RUN_FILE, DatasetDescription, read_description
from core.training.session import resume_training, run_training
from core.workspace import Workspace

STRANGE = ("line\nfeed", "\x1b[31mred\x07", "\u202eturned", os.fsdecode(b"no\xfftext"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")
@pytest.mark.parametrize(
    "name", [STRANGE[-1], *(pytest.param(name, marks=pytest.mark.slow) for name in STRANGE[:-1])]
)
def test_a_run_goes_on_with_films_whose_path_is_no_line_of_text(name: str, tmp_path: Path) -> None:
    source = tmp_path / f"{name}.zip"
    for _ in write_dataset(tmp_path / "films.zip", 9, 64):
        pass
    (tmp_path / "films.zip").rename(source)
    workspace = Workspace(tmp_path / "home")
    config = preset("recommended").changed(
        epochs=2, batch_size=16, preprocessing=Preprocessing(image_size=32, mean=0.5, std=0.25)
    )
    *_, loaded = load_dataset([source], workspace, 32)
    assert isinstance(loaded, LoadedDataset)
    folder = tmp_path / "run\nfolder"
    run = run_training(config, loaded, folder, "cpu", workspace)
    for event in run:
        if isinstance(event, EpochDone):
            break
    run.close()
    assert read_description(folder).dataset.paths == [source]
    *_, done = resume_training(folder, workspace, "cpu")
    assert isinstance(done, TrainingDone)
    text = (folder / RUN_FILE).read_text(encoding="utf-8")
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [("/old/a\ufffdb.zip", "/old/a\nb.zip"), ("/moved/films.zip", "/moved/films.zip")],
)
def test_a_source_that_somebody_wrote_into_run_json_counts(shown: str, expected: str) -> None:
    described = DatasetDescription(
        sources=(shown,), source_bytes=(b"/old/a\nb.zip".hex(),), classes={"a": 1}
    )
    assert described.paths == [Path(expected)]
