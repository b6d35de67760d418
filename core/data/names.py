"""The names of files: made fit for a screen, and told from what nobody meant to hand over."""

import os
import unicodedata

# What a system or a DICOM disc puts beside the films by itself.
_JUNK = {"__macosx", ".ds_store", "thumbs.db", "desktop.ini", "dicomdir"}
# What could break a line, hide or turn round what a user reads; Cs stands for undecodable bytes.
_UNSHOWABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def showable(name: str) -> str:
    """`name` as one line of text: composed characters, control characters replaced."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _UNSHOWABLE else character
        for character in unicodedata.normalize("NFC", name)
    )


def readable(name: str) -> str:
    """A file's name whose bytes are no UTF-8, read as GBK: old zips leave such names on Linux.

    Bytes that are neither stay visible one by one, so that two names never become one.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(name).decode("gb18030", "backslashreplace")
    return name


def is_junk(name: str) -> bool:
    """Whether a program put this file there by itself."""
    parts = name.casefold().split("/")
    return not _JUNK.isdisjoint(parts) or parts[-1].startswith("._")
