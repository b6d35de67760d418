"""Translate the user's sentences; standard library only, so that the set-up uses it too.

The catalogue is gettext: English sentences are the keys. `tr` and `core.errors.Message`
mark sentences for extraction (see resources/translations/README.md).
"""

import gettext
import locale
import os
from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from typing import Protocol, runtime_checkable

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
_CATALOGUES = Path(__file__).resolve().parents[1] / "resources" / "translations"


@runtime_checkable
class Sentence(Protocol):
    """A sentence of core's, as `core.errors.Message` is one."""

    template: str
    values: dict[str, object]


class _Active:
    """The language in use: one for the whole process, like Qt's own translator."""

    code = "en"
    catalogue: gettext.NullTranslations = gettext.NullTranslations()


def set_language(code: str) -> None:
    """Switch every later `tr` to `code`, one of LANGUAGES."""
    if code not in LANGUAGES:
        raise ValueError(f"unknown language {code!r}")
    _Active.code = code
    _Active.catalogue = gettext.translation(
        "pneumoscope", _CATALOGUES, languages=[code], fallback=True
    )


def language() -> str:
    """Return the code of the language in use."""
    return _Active.code


def system_language() -> str:
    """Return the language of the user's system, or English where it is not spoken here."""
    spoken = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    spoken.append(locale.getlocale()[0] or "")
    first = next((code for code in spoken if code), "")
    return "zh_CN" if first.lower().startswith(("zh", "chinese")) else "en"


def tr(text: str, /, **values: object) -> str:
    """Translate `text` into the user's language and fill its named fields with `values`."""
    translated = _Active.catalogue.gettext(text)
    return translated.format(**values) if values else translated


def say(message: Sentence) -> str:
    """Translate a sentence of core's, and those among its values."""
    values = {
        name: say(value) if isinstance(value, Sentence) else value
        for name, value in message.values.items()
    }
    return tr(message.template, **values)


def listing(parts: Iterable[str]) -> str:
    """Join words with the comma of the user's language."""
    return reduce(lambda first, second: tr("{first}, {second}", first=first, second=second), parts)


def duration(seconds: float) -> str:
    """Write a duration as 1:02:03 or 2:03."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours}:{minutes:02}:{whole % 60:02}"
    return f"{minutes}:{whole % 60:02}"
