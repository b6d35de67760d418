import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from core import workspace

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_projects_also_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(workspace.metadata, "version", missing)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert workspace.program_version() == project["version"]
