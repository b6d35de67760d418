"""What pyproject.toml says must be installed, and under which names it is imported."""

import re
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

BUILDS = ("cpu", "gpu")
_MODULES = {
    "fpdf2": "fpdf",
    "import-linter": "importlinter",
    "paddlepaddle": "paddle",
    "paddlepaddle-gpu": "paddle",
    "pillow": "PIL",
    "python-gdcm": "gdcm",
    "pyside6-essentials": "PySide6",
    "pytest-qt": "pytestqt",
    "pytest-xdist": "xdist",
    "scikit-learn": "sklearn",
}


@dataclass(frozen=True, slots=True)
class Requirements:
    """The requirement strings of this project, as pip takes them."""

    common: tuple[str, ...]  # for either build; with the test extra where tests are to run
    cpu: tuple[str, ...]
    gpu: tuple[str, ...]

    def of_build(self, build: str) -> tuple[str, ...]:
        """What only the cpu or only the gpu build needs."""
        return {"cpu": self.cpu, "gpu": self.gpu}[build]

    def modules(self) -> tuple[str, ...]:
        """The top-level modules that a suitable interpreter finds."""
        return tuple(dict.fromkeys(module_of(name) for name in (*self.common, *self.cpu)))


def read_requirements(pyproject: Path, with_tests: bool) -> Requirements:
    """Read the project's dependencies and its extras cpu, gpu and (for tests) test.

    Raises:
        OSError: The file is not there.
        KeyError: It lacks one of those lists.
        tomllib.TOMLDecodeError: It is damaged.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return Requirements(
        common=(*project["dependencies"], *(extras["test"] if with_tests else ())),
        cpu=tuple(extras["cpu"]),
        gpu=tuple(extras["gpu"]),
    )


def distribution_of(requirement: str) -> str:
    """The normalised name in a requirement such as "Pillow>=11,<14": "pillow"."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
    return re.sub(r"[._-]+", "-", name).lower()


def module_of(requirement: str) -> str:
    """The module that a requirement such as "Pillow>=11,<14" is imported as: "PIL"."""
    name = distribution_of(requirement)
    return _MODULES.get(name, name.replace("-", "_"))


def are_found(modules: tuple[str, ...]) -> bool:
    """Whether this interpreter can import all of these, by looking, not by importing."""
    return all(find_spec(module) is not None for module in modules)
