"""The pages of the help: files in Markdown, one folder a language, English for what is missing."""

import re
from pathlib import Path
from typing import Final

from app.setting_words import settings_table

HELP: Final = Path(__file__).resolve().parents[2] / "resources" / "help"
PAGES: Final = (
    "start",
    "tutorial",
    "data",
    "train",
    "evaluate",
    "read",
    "quiz",
    "runs",
    "glossary",
    "shortcuts",
    "settings",
    "files",
    "command-line",
    "licences",
)
_PICTURE = re.compile(r"^!\[[^\]]*\]\(([^)]+)\)\s*$", re.MULTILINE)


def page_file(name: str, language: str) -> Path:
    """Return the file of a page in `language`, or the English one where that is missing."""
    translated = HELP / language / f"{name}.md"
    return translated if translated.is_file() else HELP / f"{name}.md"


def page_text(name: str, language: str) -> str:
    """Return a page in Markdown, without pictures that this installation does not have."""
    file = page_file(name, language)

    def keep(picture: re.Match[str]) -> str:
        return picture[0] if (file.parent / picture[1]).is_file() else ""

    text = _PICTURE.sub(keep, file.read_text("utf-8"))
    if name == "settings" and "\n| " not in text:  # only the English file holds the table
        text += "\n" + settings_table()
    return text


def page_title(name: str, language: str) -> str:
    """Return the first heading of a page."""
    first, _, _ = page_file(name, language).read_text("utf-8").partition("\n")
    return first.removeprefix("#").strip()


def page_names() -> list[str]:
    """Return the names of all pages that are there, in their order."""
    return [name for name in PAGES if (HELP / f"{name}.md").is_file()]


def anchors_of(heading: str) -> set[str]:
    """Return all that links to a heading may end with; (in brackets) is another name of it."""
    names = re.split(r"[()（）]", heading)
    return {anchor_of(heading), *(anchor_of(name) for name in names if name.strip())}


def anchor_of(heading: str) -> str:
    """Return what a link to a heading ends with after its #, as GitHub makes it."""
    words = re.sub(r"[^\w\s-]", "", heading.strip().lower())
    return re.sub(r"\s", "-", words)
