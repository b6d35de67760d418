"""What an installed program finds beside itself."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("app", "core", "resources", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.mark.slow
def test_a_wheel_holds_all_resources_but_the_screenshots(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for part in (ROOT / name for name in PARTS):
        if part.is_dir():
            shutil.copytree(part, source / part.name)
        else:
            shutil.copy(part, source)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, tmp_path], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {name for name in wheel.namelist() if name.startswith("resources/")}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "resources").rglob("*")
        if path.is_file() and path.suffix not in (".po", ".png")
    }
    rooms = {"fonts", "help", "icons", "licences", "styles", "translations"}
    assert {name.split("/")[1] for name in packed} == rooms
    assert packed == wanted
