"""Rules of the tree that a look at the sources can check."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for top in ("app", "core") for path in (ROOT / top).rglob("*.py"))
MAX_LINES = 350


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Every dotted name that `path` imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they lead"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_there_are_sources_to_check() -> None:
    assert {"core/errors.py", "app/tasks.py"} <= {where(path) for path in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=where)
class TestModule:
    def test_it_can_be_read_in_one_sitting(self, path: Path) -> None:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES

    def test_its_imports_run_one_way(self, path: Path) -> None:
        banned = ("main", "tests")
        if where(path).startswith("core/"):
            banned = ("main", "tests", "app", "PySide6", "shiboken6", "pyqtgraph")
        assert [name for name in imported(path) if within(name, banned)] == []

    def test_paddle_comes_through_its_one_door(self, path: Path) -> None:
        if where(path) != "core/runtime/paddle_library.py":
            assert [name for name in imported(path) if within(name, ("paddle",))] == []

    def test_threads_of_qt_are_known_to_one_module(self, path: Path) -> None:
        if where(path) != "app/tasks.py":
            assert "PySide6.QtCore.QThread" not in set(imported(path))

    def test_it_reads_no_pickle(self, path: Path) -> None:
        assert [name for name in imported(path) if within(name, ("pickle", "dill"))] == []
        assert "allow_pickle=True" not in path.read_text(encoding="utf-8")

    def test_no_sentence_hides_in_an_f_string(self, path: Path) -> None:
        # Before Python 3.12 the extractor does not look into them.
        hidden = [
            call.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.JoinedStr)
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        ]
        assert not {"tr", "Message"} & set(hidden)
