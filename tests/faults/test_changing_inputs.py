"""Films and stored copies that change under a running import, and a disk that fills meanwhile."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.cache import ImageCache, open_cache
from core.data.dataset import LoadedDataset, load_dataset
from core.data.records import Record
from core.errors import PneumoScopeError
from core.events import Progress
from core.workspace import Workspace

ROOT = Path(__file__).parents[2]
SIZE = 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of eight films."""
    films = tmp_path / "films"
    for number in range(16):
        path = films / "AB"[number % 2] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        levels = np.random.default_rng(number).integers(0, 256, (200, 200)).astype(np.uint8)
        Image.fromarray(levels).save(path)
    return films


def films_read(loaded: LoadedDataset) -> dict[str, str]:
    return {one.name: one.digest for one in loaded.dataset.records}


def another_film(path: Path) -> None:
    Image.fromarray(np.zeros((50, 50), np.uint8)).save(path)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:99])


def more_films(path: Path) -> None:
    shutil.copy(path, path.with_name("99.png"))


@pytest.mark.parametrize("change", [another_film, half, Path.unlink, more_films])
@pytest.mark.parametrize("stage", ["Reading the folder", "Reading films", "Comparing the films"])
def test_a_folder_that_changes_while_it_is_read(
    change: Callable[[Path], None], stage: str, folder: Path, tmp_path: Path
) -> None:
    """What comes out is what lay there at one time, or a sentence that names the film."""
    before = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.png")
    }
    workspace, changed = Workspace(tmp_path / "home"), folder / "B" / "15.png"
    steps = load_dataset([folder], workspace, SIZE)
    is_changed, loaded, refusal = False, None, ""
    try:
        for step in steps:
            if isinstance(step, LoadedDataset):
                loaded = step
            elif not is_changed and str(step.stage) == stage:
                change(changed)
                is_changed = True
    except PneumoScopeError as error:
        refusal = str(error)
    assert (loaded is None) == ("15.png" in refusal)
    if loaded is not None:
        for name, digest in films_read(loaded).items():
            assert digest == before.get(name) or name in ("B/15.png", "B/99.png")
            assert loaded.cache.image(digest).shape == (SIZE, SIZE)
    assert not list(workspace.root.rglob("*.part"))
    shutil.rmtree(folder / "B", ignore_errors=True)
    shutil.copytree(folder / "A", folder / "B")
    *_, again = load_dataset([folder], workspace, SIZE)
    assert isinstance(again, LoadedDataset)


FILLING = """
import resource, sys
from pathlib import Path
from core.data.dataset import LoadedDataset, load_dataset
from core.errors import PneumoScopeError
from core.workspace import Workspace
source, home, limit = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    *_, loaded = load_dataset([Path(source)], Workspace(Path(home)), 32)
    print("loaded", len(loaded.dataset.records))
except PneumoScopeError as error:
    print("refused", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit for a file's size")
@pytest.mark.parametrize("limit", [0, 30_000])
@pytest.mark.parametrize("is_zip", [False, True])
def test_a_disk_that_takes_no_more_while_films_are_imported(
    limit: int, is_zip: bool, folder: Path, tmp_path: Path
) -> None:
    source = folder
    if is_zip:
        source = Path(shutil.make_archive(str(tmp_path / "films"), "zip", folder))
    command = [sys.executable, "-c", FILLING, source, tmp_path / "home"]
    said = subprocess.run(
        [*map(str, command), str(limit)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("refused"), said.stdout
    assert not list((tmp_path / "home").rglob("*.part"))
    workspace = Workspace(tmp_path / "home")
    *_, loaded = load_dataset([source], workspace, SIZE)
    assert isinstance(loaded, LoadedDataset)
    assert len(loaded.dataset.records) == 16


REPAIRING = """
import json, sys
from pathlib import Path
from core.data.cache import open_cache
from core.data.records import Record
films, store = json.loads(sys.argv[1]), sys.argv[2]
records = [Record(path, Path(path), digest, 0) for path, digest in films]
*_, cache = open_cache(records, 32, Path(store))
sums = [int(cache.image(digest).astype(int).sum()) for _, digest in films]
print(json.dumps([sums, len(cache.repaired)]))
"""


@pytest.mark.parametrize("damage", ["grey.u8", "everything"])
def test_two_processes_share_a_workspace_that_is_damaged(
    damage: str, folder: Path, tmp_path: Path
) -> None:
    """One repairs or builds anew what the other is reading; both read what was written."""
    films = [
        (str(path), hashlib.sha256(path.read_bytes()).hexdigest()) for path in folder.rglob("*.png")
    ]
    records = [Record(path, Path(path), digest, 0) for path, digest in films]
    store = tmp_path / "caches"
    *_, cache = open_cache(records, SIZE, store)
    assert isinstance(cache, ImageCache)
    expected = [int(cache.image(digest).astype(int).sum()) for _, digest in films]
    if damage == "everything":
        shutil.rmtree(cache.folder)
    else:
        path = cache.folder / damage
        path.write_bytes(bytes(path.stat().st_size))
    said = subprocess.run(
        [sys.executable, "-c", REPAIRING, json.dumps(films), str(store)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    n_repaired = 16 if damage == "grey.u8" else 0
    assert json.loads(said.stdout) == [expected, n_repaired]
    assert [int(cache.image(digest).astype(int).sum()) for _, digest in films] == expected
    *steps, again = open_cache(records, SIZE, store)
    assert not [step for step in steps if isinstance(step, Progress)]  # it is whole
    assert isinstance(again, ImageCache)
    assert [int(again.image(digest).astype(int).sum()) for _, digest in films] == expected
    assert not again.repaired
