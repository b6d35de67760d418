"""The Chinese catalogue says all that the program says, and the program says nothing past it."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from PySide6.QtGui import QRawFont
from PySide6.QtWidgets import QApplication

from app.i18n import say, set_language, system_language
from core.errors import Message

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "resources" / "translations" / "zh_CN" / "LC_MESSAGES" / "pneumoscope.po"
FONT = ROOT / "resources" / "fonts" / "NotoSansSC-Regular.otf"
MARKS = {"tr": None, "Message": None}
# Marks of the English text that the bundled font lacks as well; Qt takes them from the system.
SYMBOLS = "✓×"
# What shows its argument to the user: widgets, dialogs, the terminal.
SHOWN_BY = {
    "QAction",
    "QLabel",
    "QPushButton",
    "addAction",
    "addButton",
    "addTab",
    "print_line",
    "setAccessibleDescription",
    "setAccessibleName",
    "setInformativeText",
    "setItemText",
    "setPlaceholderText",
    "setStatusTip",
    "setText",
    "setTitle",
    "setToolTip",
    "setWindowTitle",
    "tell",
}


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    set_language("en")


@pytest.fixture(scope="module")
def sentences() -> set[str]:
    """Every sentence that the source marks for translation."""
    found = {
        message
        for room in ("app", "core")
        for _, _, message, *_ in extract_from_dir(ROOT / room, keywords=MARKS)
    }
    found |= {text for _, text, *_ in extract_from_file("python", ROOT / "main.py", MARKS)}
    return {text for text in found if isinstance(text, str)}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_CN")


@pytest.fixture(scope="module")
def chinese(catalogue: Catalog) -> dict[str, str]:
    return words_of(catalogue)


@pytest.fixture(scope="module")
def modules() -> dict[str, ast.Module]:
    paths = [*(ROOT / "app").rglob("*.py"), *(ROOT / "core").rglob("*.py")]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


def words_of(catalogue: Catalog) -> dict[str, str]:
    """Translations by sentence, without the header."""
    return {str(entry.id): str(entry.string) for entry in catalogue if entry.id}


def fields(template: str) -> set[tuple[str, str | None]]:
    """The {named} fields of a template with their formats."""
    return {(name, spec) for _, name, spec, _ in Formatter().parse(template) if name is not None}


def calls(modules: dict[str, ast.Module]) -> Iterator[tuple[str, str, ast.Call]]:
    """Place, name of what is called, and call."""
    for path, module in modules.items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
                yield f"{path}:{node.lineno}", name, node


def literal_words(node: ast.AST) -> Iterator[str]:
    """Words written out in an expression, but for {fields} and what its calls are given."""
    if isinstance(node, ast.Call | ast.Subscript | ast.Compare):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from re.findall(r"[^\W\d_]{2,}", re.sub(r"{.*?}", "", node.value))
    for child in ast.iter_child_nodes(node):
        yield from literal_words(child)


def test_every_sentence_of_the_program_is_in_the_catalogue(
    sentences: set[str], chinese: dict[str, str]
) -> None:
    assert sentences - chinese.keys() == set()


def test_the_catalogue_keeps_nothing_that_the_program_no_longer_says(
    sentences: set[str], catalogue: Catalog, chinese: dict[str, str]
) -> None:
    assert chinese.keys() - sentences == set()
    assert list(catalogue.obsolete) == []


def test_every_sentence_is_translated_and_none_is_a_guess(
    catalogue: Catalog, chinese: dict[str, str]
) -> None:
    assert [text for text, translated in chinese.items() if not translated.strip()] == []
    assert [entry.id for entry in catalogue if entry.fuzzy] == []


def test_the_fields_of_sentence_and_translation_are_the_same(chinese: dict[str, str]) -> None:
    unequal = [text for text, words in chinese.items() if fields(text) != fields(words)]
    assert unequal == []


def test_the_compiled_catalogue_is_the_one_that_can_be_read(chinese: dict[str, str]) -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        assert words_of(read_mo(file)) == chinese


def test_translations_are_chinese_with_its_punctuation_and_the_spaces_of_the_sentence(
    chinese: dict[str, str],
) -> None:
    for text, words in chinese.items():
        if len(re.findall(r"[A-Za-z]+", re.sub(r"{.*?}", "", text))) >= 3:
            assert re.search(r"[一-鿿]", words), text
        assert not re.search(r"[一-鿿}][,;:?!]", words), text
        for end in (0, -1):
            assert text[end].isspace() == words[end].isspace(), text


def test_the_bundled_font_draws_every_character(
    qapp: QApplication, chinese: dict[str, str]
) -> None:
    font = QRawFont(str(FONT), 16)
    assert font.isValid()
    wanted = set("".join(chinese.values())) - set("\n" + SYMBOLS)
    assert {
        character for character in wanted if not font.supportsCharacter(ord(character))
    } == set()


def test_no_sentence_is_put_together_before_it_is_translated(
    modules: dict[str, ast.Module],
) -> None:
    # A template that is handed on or read back was a literal once; an f-string never matches.
    marked = [(place, call.args[0]) for place, name, call in calls(modules) if name in MARKS]
    literal_or_handed_on = (ast.Constant, ast.Name, ast.Attribute)
    assert [place for place, text in marked if not isinstance(text, literal_or_handed_on)] == []
    assert len(marked) > 100


def test_no_words_reach_the_user_untranslated(modules: dict[str, ast.Module]) -> None:
    shown = [
        (place, words)
        for place, name, call in calls(modules)
        for argument in (
            *(call.args if name in SHOWN_BY else ()),
            *(keyword.value for keyword in call.keywords if keyword.arg == "help"),
        )
        if (words := list(literal_words(argument)))
    ]
    assert shown == []


def test_refusals_are_said_in_the_chosen_language() -> None:
    name = Message("Epochs")
    message = Message("{name} is {value}; it must be a whole number.", name=name, value=1.5)
    set_language("zh_CN")
    assert say(message) == "训练轮数为 1.5；必须是整数。"
    set_language("en")
    assert say(message) == "Epochs is 1.5; it must be a whole number."


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
    ],
)
def test_what_overrides_the_system_s_language_goes_first(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], code: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert system_language() == code
