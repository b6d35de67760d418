import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from core import workspace
from core.errors import DatasetError
from core.workspace import HOME_VARIABLE, Workspace

ROOT = Path(__file__).parents[2]


def test_the_variable_says_where_everything_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "mine"))
    assert Workspace.of_user().datasets == tmp_path / "mine" / "datasets"


def test_a_relative_folder_stays_the_same_when_the_program_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, "mine")
    assert Workspace.of_user().root == tmp_path / "mine"


def test_otherwise_it_is_the_users_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, ""):
        monkeypatch.delenv(HOME_VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(HOME_VARIABLE, value)
        root = Workspace.of_user().root
        assert root.is_absolute()
        assert root.name == "PneumoScope"


def test_folders_are_made_when_they_are_asked_for(tmp_path: Path) -> None:
    mine = Workspace(tmp_path / "a" / "b")
    assert not mine.root.exists()
    folders = [
        mine.datasets,
        mine.caches,
        mine.runs,
        mine.demos,
        mine.logs,
    ]
    assert all(folder.is_dir() and folder.parent == mine.root for folder in folders)
    assert len(set(folders)) == 5


def test_a_folder_that_cannot_be_made_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"cannot be made .* Set PNEUMOSCOPE_HOME to a folder"):
        _ = Workspace(tmp_path / "file").runs


def test_the_version_is_the_projects_also_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(workspace.metadata, "version", missing)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert workspace.program_version() == project["version"]
