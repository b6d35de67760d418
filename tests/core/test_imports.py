"""Imports: a window that opens at once must wait neither for Paddle nor for scikit-learn."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"paddle", "PySide6", "shiboken6", "pyqtgraph", "scipy", "sklearn"}


def loaded_by(*modules: str) -> set[str]:
    code = "import sys, " + ", ".join(modules) + "; print('\\n'.join(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in shown.stdout.splitlines()}


def imported_by_app_at_module_level() -> list[str]:
    """Core modules that an import of any module of app loads at once."""
    found = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core"):
                found.add(node.module or "")
    return sorted(found)


@pytest.mark.parametrize("modules", [["core"], imported_by_app_at_module_level()], ids=str)
def test_nothing_heavy_is_loaded(modules: list[str]) -> None:
    assert modules
    loaded = loaded_by(*modules)
    assert "core" in loaded
    assert loaded & HEAVY == set()


def test_no_module_of_core_loads_qt() -> None:
    paths = [path.relative_to(ROOT) for path in (ROOT / "core").rglob("*.py")]
    modules = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in sorted(paths)
    ]
    loaded = loaded_by(*modules)
    assert "paddle" in loaded
    assert loaded & (HEAVY - {"paddle"}) == set()
