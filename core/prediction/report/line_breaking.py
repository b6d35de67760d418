"""Break text into lines that fit: at spaces, and between Chinese characters.

A small part of UAX 14: no line starts with closing punctuation or ends with an opening one.
"""

import re
from collections.abc import Callable

# Chinese, Japanese and Korean characters and full-width punctuation stand alone.
_WIDE = "\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
_CLOSING = "，。、；：！？）》」』】〉”’％…)]},.;:!?%"
_OPENING = "（《「『【〈“‘([{"
_PIECE = re.compile(
    rf"[{re.escape(_OPENING)}]*(?:[{_WIDE}]|[^\s{_WIDE}{re.escape(_OPENING)}]+)"
    rf"[{re.escape(_CLOSING)}]*\s*|\S\s*|\s+"
)

Measure = Callable[[str], float]


def break_lines(text: str, width: float, measure: Measure) -> list[str]:
    """Lines of `text`, each at most `width` wide.

    Args:
        text: A line feed starts a new line.
        width: In the unit of `measure`; where not even one character fits, it stands alone.
        measure: How wide a piece of text is; pieces are taken to add up.
    """
    return [line for part in text.split("\n") for line in _break_part(part, width, measure)]


def fit_line(text: str, width: float, measure: Measure) -> str:
    """`text` where it fits, else its beginning and end around an ellipsis.

    A file's name is told by both.
    """
    if measure(text) <= width:
        return text
    kept = len(text) - 1
    while kept > 0:
        head = (kept + 1) // 2
        tail = text[len(text) - (kept - head) :] if kept > head else ""
        short = f"{text[:head].rstrip()}…{tail.lstrip()}"
        too_wide = measure(short) / width
        if too_wide <= 1:
            return short
        kept -= max(1, int((1 - 1 / too_wide) * kept * 0.9))
    return "…"


def _break_part(text: str, width: float, measure: Measure) -> list[str]:
    lines: list[str] = []
    line, used = "", 0.0
    for piece in _PIECE.findall(text):
        bare = measure(piece.rstrip())
        if line and used + bare > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        if bare > width:  # a long name: between any two characters
            *full, piece = _break_word(piece.rstrip(), width, measure)
            lines += full
        line += piece
        used += measure(piece)
    return [*lines, line.rstrip()]


def _break_word(word: str, width: float, measure: Measure) -> list[str]:
    parts, start = [], 0
    while start < len(word):
        end = start + 1
        while end < len(word) and measure(word[start : end + 1]) <= width:
            end += 1
        parts.append(word[start:end])
        start = end
    return parts
