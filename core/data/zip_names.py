"""Names of files in archives that do not say how they are encoded.

A zip of Windows stores names in the code page of the machine that made it, and does not name it.
The code page is taken that makes all names of the archive plausible: letters of one language, and
the characters that its standard holds to be common.
"""

import codecs
import contextlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import Final

# In the order in which they are taken where several are as plausible, with the languages.
CODE_PAGES: Final[dict[str, str]] = {
    "utf-8": "Unicode",
    "gb18030": "简体中文",
    "cp932": "日本語",
    "cp950": "繁體中文",
    "cp949": "한국어",
    "cp866": "Русский (DOS)",
    "cp1251": "Русский (Windows)",
    "cp850": "Deutsch, Español, Français, Português (DOS)",
    "cp437": "English (DOS)",
    "cp1252": "Deutsch, Español, Français, Português (Windows)",
    "cp852": "Čeština, Magyar, Polski (DOS)",
    "cp1250": "Čeština, Magyar, Polski (Windows)",
}
_OTHER_SPELLINGS: Final = {
    "gbk": "gb18030", "gb2312": "gb18030", "hz": "gb18030", "shift_jis": "cp932",
    "big5": "cp950", "euc_kr": "cp949", "iso8859-1": "cp1252", "iso8859-2": "cp1250",
}  # fmt: skip
_LAST_RESORT = "cp437"  # knows every byte, and is what the standard names (APPNOTE, appendix D)

_ALPHABETS: Final = {
    "Latin": (
        "äöüß", "áéíóúüñ", "àâæçéèêëîïôœùûüÿ", "ãõáâàçéêíóôú", "àèéìíîòóù", "åäöé", "æøåéó",
        "éëïóöüè", "àçéèíïóòúü", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áéíóöőúüű",
        "ăâîșțşţ", "čćđšž",
    ),
    "Cyrillic": (
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
        "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
    ),
}  # fmt: skip
# First and last of the common characters in the standard's own order: GB 2312 level 1, JIS X 0208
# level 1, Big5 level 1 and the syllables of KS X 1001.
_COMMON: Final = {
    "gb18030": ("gb2312", b"\xb0\xa1", b"\xd7\xf9"),
    "cp932": ("shift_jis", b"\x88\x9f", b"\x98\x72"),
    "cp950": ("big5", b"\xa4\x40", b"\xc6\x7e"),
    "cp949": ("euc_kr", b"\xb0\xa1", b"\xc8\xfe"),
}
# Words of the field, which tell short names apart that several code pages make plausible.
_WORDS: Final = {
    "gb18030": "肺炎 肺部 肺结核 白肺 正常 病毒 细菌 结核 新冠 感染 胸部 胸片"
    " 患者 健康 对照 训练 验证 测试",
    "cp932": "肺炎 正常 結核 感染 胸部 異常 健常 対照 患者 訓練 検証",
    "cp950": "肺炎 肺部 正常 病毒 細菌 結核 新冠 感染 胸部 胸片 患者 健康 對照 訓練 驗證 測試",
    "cp949": "폐렴 폐결핵 정상 결핵 코로나 흉부 환자 감염 세균 바이러스 건강 대조 훈련 검증 시험",
    "cp866": "норм пневмон туберкул здоров легк вирус",
    "cp1251": "норм пневмон туберкул здоров легк вирус",
    "cp852": "płuc zdrow zápal tüdő prawid gruźl",
    "cp1250": "płuc zdrow zápal tüdő prawid gruźl",
}
_WORD_BONUS = 0.5
# Every common Korean syllable is also a common Chinese character of GB 2312, but few Chinese names
# of so many characters happen to lie among these alone (0.55 ** 6 = 3 %).
_KOREAN_SYLLABLES, _KOREAN_BONUS = 6, 0.25
_SIGNS = frozenset("°²³·–—’‘“”«»ºª…€§（）【】《》、，。！：；－＿")
# A character of another script that touches a small Latin letter, as in "R馬tgen".
_INSIDE_A_WORD, _FUSED_WORD = re.compile(r"(?<=[a-z])[^\x00-\x7f]|[^\x00-\x7f](?=[a-z])"), 0.4
# German has ß behind vowels alone, Portuguese has õ before e: else they are other letters.
_MISPLACED = re.compile("(?<![aeiouäöüy])ß|õ(?!e)")
_MOSTLY_LATIN = 4  # times as many Latin letters as Cyrillic ones in a name
_MOST_NAMES = 2000  # that are looked at
_NEVER = float("inf")


def code_page_called(name: str) -> str | None:
    """Return the code page that people call by this name, such as "850" or "Shift-JIS"."""
    with contextlib.suppress(LookupError, ValueError):
        known = codecs.lookup(name.strip()).name
        known = _OTHER_SPELLINGS.get(known, known)
        return known if known in CODE_PAGES else None
    return None


def decoded(raw_names: Iterable[bytes], code_page: str) -> Iterator[str]:
    """Decode names; where one cannot be, its bytes are shown as the standard's code page has them.

    Args:
        raw_names: As they are stored.
        code_page: One of `CODE_PAGES`.
    """
    for raw in raw_names:
        try:
            yield raw.decode(code_page)
        except UnicodeDecodeError:
            yield raw.decode(_LAST_RESORT)


def guess_code_page(raw_names: Collection[bytes]) -> str:
    """Return the code page that makes all names most plausible.

    Args:
        raw_names: The names that do not say how they are encoded.

    Returns:
        One of `CODE_PAGES`; "" where all names are ASCII, so that any will do.
    """
    parts = {part for raw in raw_names for part in re.split(rb"/", raw) if not part.isascii()}
    if not parts:
        return ""
    looked_at = sorted(parts)[:_MOST_NAMES]
    best, least = _LAST_RESORT, _NEVER
    for code_page in CODE_PAGES:
        try:
            names = [part.decode(code_page) for part in looked_at]
        except UnicodeDecodeError:
            continue
        if code_page == "utf-8":
            return code_page  # other text is hardly ever valid UTF-8
        if (oddity := _oddity(names, code_page)) < least:
            best, least = code_page, oddity
    return best


def _oddity(names: list[str], code_page: str) -> float:
    """Return how unlikely these names are: 0 where all characters fit, 1 where none does."""
    foreign = [character for name in names for character in name if not character.isascii()]
    if any(unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs") for character in foreign):
        return _NEVER
    if code_page in _COMMON:
        odd = sum(_oddity_of_character(character, code_page) for character in foreign)
        odd += sum(_FUSED_WORD * len(_INSIDE_A_WORD.findall(name)) for name in names)
    else:
        odd = _oddity_of_letters(names, foreign, code_page)
    oddity = odd / max(1, len(foreign))
    text = "\n".join(names).lower()
    if any(word in text for word in _WORDS.get(code_page, "").split()):
        oddity -= _WORD_BONUS
    if code_page == "cp949" and len(set(foreign)) >= _KOREAN_SYLLABLES:
        oddity -= _KOREAN_BONUS
    return oddity


def _oddity_of_character(character: str, code_page: str) -> float:
    """Return 0 for a character that is common in the language of the code page, up to 1."""
    charset, first, last = _COMMON[code_page]
    script = unicodedata.name(character, "").split(" ")[0]
    if character in _SIGNS or script == "FULLWIDTH":
        return 0.0
    if script in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"):
        return 0.0 if code_page == "cp932" else 0.6
    if script not in ("CJK", "HANGUL"):
        return 0.8  # half-width katakana among them
    if (script == "HANGUL") != (code_page == "cp949"):
        return 0.6
    try:
        place = character.encode(charset)
    except UnicodeEncodeError:
        return 1.0
    return 0.0 if first <= place <= last else 0.4


def _oddity_of_letters(names: list[str], foreign: list[str], code_page: str) -> float:
    """Count characters that are no letters of one language, or stand where none would."""
    script = "Cyrillic" if code_page in ("cp866", "cp1251") else "Latin"
    letters = [character.lower() for character in foreign if character.isalpha()]
    odd = float(
        min(sum(letter not in alphabet for letter in letters) for alphabet in _ALPHABETS[script])
    )
    odd += sum(
        0.3 if character in _SIGNS else 1.0 for character in foreign if not character.isalpha()
    )
    for name in names:
        n_latin = sum(character.isascii() and character.isalpha() for character in name)
        n_foreign = sum(not character.isascii() for character in name)
        if script == "Cyrillic" and n_latin >= _MOSTLY_LATIN * n_foreign:
            odd += 0.5 * n_foreign
        odd += len(_MISPLACED.findall(name.lower())) if script == "Latin" else 0
        for one, other in pairwise(name):
            if one.isascii() and other.isascii():
                continue
            if one.isalpha() and other.isalpha():
                # A capital inside a word, another alphabet inside a word, two accents together.
                odd += one.islower() and other.isupper()
                is_mixed = one.isascii() != other.isascii()
                odd += is_mixed if script == "Cyrillic" else 0.2 * (not is_mixed)
            elif one in "@[\\]^`{|}~" or other in "@[\\]^`{|}~":
                odd += 0.5  # as the second half of a character of two bytes
    return odd
