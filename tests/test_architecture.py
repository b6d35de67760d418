"""Rules of the tree that a look at the sources can check."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for top in ("app", "core") for path in (ROOT / top).rglob("*.py"))
TEXTS = {path: path.read_text(encoding="utf-8") for path in SOURCES}
TREES = {path: ast.parse(text) for path, text in TEXTS.items()}


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Every dotted name that `path` imports, inside functions too."""
    for node in ast.walk(TREES[path]):
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


def test_imports_run_one_way() -> None:
    for path in SOURCES:
        banned = ("main", "tests")
        if where(path).startswith("core/"):
            banned = ("main", "tests", "app", "PySide6", "shiboken6", "pyqtgraph")
        assert [name for name in imported(path) if within(name, banned)] == [], where(path)


def test_paddle_comes_through_its_one_door() -> None:
    through = [
        path for path in SOURCES if any(within(name, ("paddle",)) for name in imported(path))
    ]
    assert [where(path) for path in through] == ["core/runtime/paddle.py"]


def test_threads_of_qt_are_known_to_one_module() -> None:
    known = [path for path in SOURCES if "PySide6.QtCore.QThread" in set(imported(path))]
    assert [where(path) for path in known] == ["app/tasks.py"]


def test_no_pickle_is_read() -> None:
    for path in SOURCES:
        if where(path) == "core/models/pdparams_worker.py":
            continue  # confined, and names what a pickle may name
        unsafe = [name for name in imported(path) if within(name, ("pickle", "dill"))]
        # One is written for `paddle.load`, by the one name that can do no more.
        assert set(unsafe) in (set(), {"pickle", "pickle.dumps"}), where(path)
        assert "allow_pickle=True" not in TEXTS[path], where(path)


def test_no_sentence_hides_in_an_f_string() -> None:
    # Before Python 3.12 the extractor does not look into them.
    for path in SOURCES:
        hidden = [
            call.func.id
            for node in ast.walk(TREES[path])
            if isinstance(node, ast.JoinedStr)
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        ]
        assert not {"tr", "Message"} & set(hidden), where(path)
