"""X-rays under their heat maps as PNG files that explain themselves by a caption."""

import io
import re
from functools import cache
from pathlib import Path, PurePath
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from core import files
from core.data.unpacked import readable, showable
from core.errors import Message, RunFolderError
from core.files import escaped
from core.prediction.explanation import Explanation
from core.prediction.reading import FilmResult
from core.prediction.saliency_checks import heat_at, heat_on_film
from core.prediction.verdict import level_words
from core.report.facts import ReportContext, percent
from core.report.paper import FONT_FILE, LEVEL_COLOURS, break_lines, fit_line

Pixels = NDArray[np.uint8]  # (H, W) or (H, W, 3)
PAGE_SIDE: Final = 720  # pixels: 84 mm at 218 dpi
_JPEG_QUALITY: Final = 85
MOST_SIDE: Final = 2048  # pixels of the film's longer side; a wall screen shows no more
LEAST_WIDTH: Final = 480  # narrower films are enlarged or set on black, for the caption's sake
SOURCE_KEY: Final = "Source"  # in the PNG's text: which film and which model it shows
_STRIP, _TEXT, _MUTED = (16, 20, 24), (236, 240, 243), (150, 162, 172)
_MOST_LINES: Final = 3  # of a reason not to trust the map
_MOST_BYTES: Final = 120  # of a name's stem in UTF-8; file systems take 255 for all of it
_ENDING: Final = ".heatmap.png"
_UNSAFE: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ufffd]')
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def write_picture(
    path: Path,
    pixels: Pixels,
    film: FilmResult,
    explanation: Explanation | None,
    context: ReportContext,
) -> None:
    """Write a film's PNG.

    Args:
        path: Replaced if it exists.
        pixels: The film's, at any size.
        film: As it was read.
        explanation: Of the class whose heat is drawn; None: no heat is drawn.
        context: Of the report.

    Raises:
        RunFolderError: The file cannot be written.
    """
    about = PngInfo()
    about.add_itxt("Description", context.disclaimer, context.language.replace("_", "-"))
    about.add_text("Software", f"PneumoScope {context.version}")
    about.add_text(SOURCE_KEY, source_of(film.digest))
    file = io.BytesIO()
    draw_picture(pixels, film, explanation, context).save(
        file, "PNG", pnginfo=about, compress_level=4
    )
    files.write_user_file(path, file.getbuffer())


def source_of(digest: str) -> str:
    """Name the film that a picture shows, for the picture's file."""
    return f"PneumoScope heat map of sha256:{digest}"


def draw_picture(
    pixels: Pixels, film: FilmResult, explanation: Explanation | None, context: ReportContext
) -> Image.Image:
    """Draw the film at its own resolution up to MOST_SIDE, and below it a caption."""
    if context.hides(film):  # a heat map would name the class
        explanation = None
    pixels = reduced(pixels, MOST_SIDE)
    if pixels.shape[1] < LEAST_WIDTH:
        pixels = _enlarged(pixels)
    shown = pixels if explanation is None else film_with_heat(pixels, explanation)
    height, film_width = pixels.shape[:2]
    width = max(film_width, LEAST_WIDTH)
    size = max(15, width // 44)
    warnings = _warnings(film, explanation, context, width - 2 * size, size)
    rows = 4.3 + 1.55 * (explanation is not None) + 1.4 * len(warnings)
    picture = Image.new("RGB", (width, height + round(rows * size)), _STRIP)
    picture.paste(Image.fromarray(shown).convert("RGB"), ((width - film_width) // 2, 0))
    label = None if explanation is None else explanation.label
    _Caption(picture, height, size).write(film, label, context, warnings)
    return picture


class _Caption:
    """The strip below a film, written row by row."""

    def __init__(self, picture: Image.Image, top: int, size: int) -> None:
        self._picture, self._draw = picture, ImageDraw.Draw(picture)
        self._size, self._y = size, top + size * 0.6
        self._left, self._right = size, picture.width - size

    def write(
        self, film: FilmResult, label: int | None, context: ReportContext, warnings: list[str]
    ) -> None:
        """Write all rows; `label`: the class whose heat is drawn."""
        say, level = context.say, film.verdict.level
        bright = tuple(min(255, round(part * 0.6 + 102)) for part in LEVEL_COLOURS[level])
        answer = f"{context.class_name(film.predicted)}  {percent(film.opinion.probability)}"
        if context.hides(film):
            answer = ""
        self._row(say(level_words(level)), answer, bright, _TEXT, 1.25)
        if label is not None:
            name = context.class_name(label)
            self._legend(say(Message("What speaks for {name}", name=name)), context)
        for line in warnings:
            self._row(line, "", bright, _MUTED)
        self._row(context.disclaimer, f"PneumoScope · {context.model_file}", _MUTED, _MUTED, 0.8)

    def _row(
        self,
        left: str,
        right: str,
        colour: tuple[int, ...],
        right_colour: tuple[int, ...],
        scale: float = 1.0,
    ) -> None:
        """Write text at both ends; the right one yields."""
        font = _font(round(self._size * scale))
        width = self._right - self._left
        left = fit_line(escaped(left), width, font.getlength)
        self._draw.text((self._left, self._y), left, colour, font)
        room = width - font.getlength(left) - 2 * self._size
        if right and room > 3 * self._size:
            right = fit_line(escaped(right), room, font.getlength)
            x = self._right - font.getlength(right)
            self._draw.text((x, self._y), right, right_colour, font)
        self._y += round(self._size * (1.4 if scale <= 1 else 1.85))

    def _legend(self, words: str, context: ReportContext) -> None:
        """Explain the colours."""
        font, y = _font(self._size), self._y
        little, much = context.say(Message("little")), context.say(Message("much"))
        bar = round(self._size * 7)
        x = self._right - font.getlength(much)
        self._draw.text((x, y), much, _MUTED, font)
        x -= bar + self._size * 0.5
        colours = Image.fromarray(legend(bar, max(4, round(self._size * 0.6))))
        self._picture.paste(colours, (round(x), round(y + self._size * 0.45)))
        x -= font.getlength(little) + self._size * 0.5
        self._draw.text((x, y), little, _MUTED, font)
        words = fit_line(escaped(words), x - self._left - self._size, font.getlength)
        self._draw.text((self._left, y), words, _TEXT, font)
        self._y += round(self._size * 1.55)


def _warnings(
    film: FilmResult,
    explanation: Explanation | None,
    context: ReportContext,
    width: float,
    size: int,
) -> list[str]:
    """Break the first reason to doubt the answer, or else the map, into lines."""
    checks = None if explanation is None else explanation.checks
    if film.verdict.level not in ("no_warnings", "cannot_be_checked"):
        text = context.say(film.verdict.reasons[0])
    elif checks is not None and not checks.is_trustworthy:
        reason = context.say(checks.reasons[0])
        text = context.say(Message("Do not trust this map: {reason}", reason=reason))
    else:
        return []
    lines = break_lines(escaped(text), width, _font(size).getlength)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1] + "…"]
    return lines


def _enlarged(film: Pixels) -> Pixels:
    height, width = film.shape[:2]
    # A whole number: the pixels stay square. A strip of 16 x 20,000 must not take gigabytes.
    scale = max(1, min(-(-LEAST_WIDTH // width), MOST_SIDE // height))
    size = (width * scale, height * scale)
    return np.asarray(Image.fromarray(film).resize(size, Image.Resampling.BICUBIC))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT_FILE, size, layout_engine=ImageFont.Layout.BASIC)


def reduced(film: Pixels, side: int) -> Pixels:
    """Reduce a film so that its longer side has at most `side` pixels."""
    height, width = film.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return film
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(film).resize(size, Image.Resampling.BOX, reducing_gap=2)
    return np.asarray(picture)


def film_with_heat(film: Pixels, explanation: Explanation) -> NDArray[np.uint8]:
    """Lay the heat map of the explanation's class over the film, (H, W, 3)."""
    return heat_on_film(film, heat_of(explanation, film.shape[:2]))


def heat_of(explanation: Explanation, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the heat of the explanation's class at a film's resolution, (H, W), 1 = strongest."""
    return heat_at(explanation.best.values, shape)


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Encode a picture as JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def legend(width: int, height: int) -> NDArray[np.uint8]:
    """Draw the heat's colours from none to the strongest, over black, (height, width, 3)."""
    strength = np.linspace(0, 1, width, dtype=np.float32)
    heat = np.broadcast_to(strength, (height, width))
    return heat_on_film(np.zeros((height, width), np.uint8), heat, 1.0)


class HeatFiles:
    """The folder with a picture of each film.

    What lies in the folder already is not overwritten, but for pictures of the same film that
    this program made.

    Args:
        folder: Made where it is missing.

    Raises:
        RunFolderError: It cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: set[str] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason: object = Message("it names no folder")
            if isinstance(error, OSError):
                reason = error.strerror or str(error)
            raise RunFolderError(
                Message(
                    "The folder {folder} cannot be made ({reason}). Choose another folder.",
                    folder=str(folder),
                    reason=reason,
                )
            ) from error

    def place(self, file: str, digest: str) -> Path:
        """Find a free name for a film's picture.

        Args:
            file: What the user calls the film.
            digest: SHA-256 of its file.
        """
        stem = safe_stem(file)
        number = 1
        while True:
            name = f"{stem}{_ENDING}" if number == 1 else f"{stem} ({number}){_ENDING}"
            path = self._folder / name
            key = name.casefold()  # one file on Windows and macOS
            if key not in self._taken and _may_be_written(path, digest):
                self._taken.add(key)
                return path
            number += 1


def safe_stem(file: str) -> str:
    """Turn a film's name into the beginning of a file name that every system takes."""
    name = showable(readable(PurePath(file.replace("\\", "/")).name))
    stem = _UNSAFE.sub("_", PurePath(name).stem if name else "").strip(" .")
    stem = stem.encode("utf-8", "replace")[:_MOST_BYTES].decode("utf-8", "ignore").strip(" .")
    if not stem:
        return "film"
    return f"_{stem}" if _RESERVED.fullmatch(stem) else stem


def _may_be_written(path: Path, digest: str) -> bool:
    """True where nothing is lost: no file there, or our picture of the same film."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            return picture.info.get(SOURCE_KEY) == source_of(digest)
    except Exception:  # noqa: BLE001 (Pillow raised a dozen kinds for damaged files)
        return False
