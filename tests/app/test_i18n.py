import gettext
from collections.abc import Iterator

import pytest

from app import i18n
from app.i18n import language, say, set_language, system_language, tr
from core.errors import Message

CHINESE = {
    "Data": "数据",
    "{n} films": "{n} 张胸片",
    "{file} is refused: {reason}": "已拒绝 {file}：{reason}",
    "It holds {n} films.": "其中有 {n} 张胸片。",
}


class _Words(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return CHINESE.get(message, message)


@pytest.fixture(autouse=True)
def _few_words(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A catalogue of four sentences in place of the real one."""

    def find(domain: str, folder: object, languages: list[str], fallback: bool) -> object:
        return _Words() if languages == ["zh_CN"] else gettext.NullTranslations()

    monkeypatch.setattr(i18n.gettext, "translation", find)
    yield
    monkeypatch.undo()
    set_language("en")


def test_words_follow_the_language() -> None:
    for code, word in (("en", "Data"), ("zh_CN", "数据"), ("en", "Data")):
        set_language(code)
        assert language() == code
        assert tr("Data") == word


def test_values_fill_the_translated_sentence_and_braces_stay() -> None:
    assert tr("{n} films", n="{n} {x}") == "{n} {x} films"
    assert tr("a {curly} text") == "a {curly} text"
    set_language("zh_CN")
    assert tr("{n} films", n=7) == "7 张胸片"
    assert tr("Press {key}.", key="F1") == "Press F1."  # the catalogue lacks it


def test_a_message_inside_a_message_is_translated_too() -> None:
    inner = Message("It holds {n} films.", n=3)
    outer = Message("{file} is refused: {reason}", file="a.zip", reason=inner)
    assert say(outer) == "a.zip is refused: It holds 3 films."
    set_language("zh_CN")
    assert say(outer) == "已拒绝 a.zip：其中有 3 张胸片。"


def test_an_unknown_language_is_refused_and_changes_nothing() -> None:
    set_language("zh_CN")
    with pytest.raises(ValueError, match="unknown language 'tlh'"):
        set_language("tlh")
    assert language() == "zh_CN"
    assert tr("Data") == "数据"


def test_the_language_of_the_system_is_taken_from_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for spoken, code in (
        ("zh_CN.UTF-8", "zh_CN"),
        ("zh_TW", "zh_CN"),
        ("de_DE.UTF-8", "en"),
        ("C", "en"),
        ("en_GB", "en"),
    ):
        for name in ("LC_ALL", "LC_MESSAGES"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("LANG", spoken)
        assert system_language() == code
