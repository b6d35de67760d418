"""Labels from a table: the class, patient, view, age and sex of images named in a CSV or XLSX."""

import ast
import dataclasses
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

from core.config import N_CLASSES_RANGE
from core.data.tables import Table, read_table
from core.data.unpacked import showable
from core.errors import ConfigError, DatasetError, Message, PneumoScopeError
from core.images.formats import is_named_as_image
from core.schema import StrictModel

SeveralLabels = Literal["refuse", "first", "exclude"]
Role = Literal["image", "label", "patient", "view", "age", "sex"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
MAX_NAMED: Final = 1000  # file names that a report keeps
_N_GUESSED_FROM: Final = 2000  # rows
_MAX_LABELS: Final = 50  # different values of a column that is guessed to hold the classes
_LEAST_FOUND: Final = 0.02  # of the rows; a table may describe far more images than are there

# Column names without blanks and signs, the best first.
_TITLES: Final[Mapping[Role, tuple[str, ...]]] = {
    "image": ("imageindex", "imageid", "filename", "image", "imagename", "file", "imagepath",
              "filepath", "path", "xrayimagename", "img", "sopinstanceuid", "name", "id",
              "patientid", "图像", "图片", "文件名", "文件"),
    "label": ("findinglabels", "label", "labels", "class", "classname", "diagnosis", "finding",
              "findings", "category", "target", "disease", "result", "y", "标签", "类别", "诊断"),
    "patient": ("patientid", "patient", "subjectid", "subject", "pid", "caseid", "患者", "病人",
                "患者id", "病人id"),
    "view": ("viewposition", "view", "projection", "viewpos", "体位", "投照体位"),
    "age": ("patientage", "age", "ageyears", "patientageatstudy", "年龄"),
    "sex": ("patientgender", "patientsex", "sex", "gender", "性别"),
}  # fmt: skip
_NO_LABEL: Final = frozenset({"", "nan", "null", "n/a", "#n/a", "#ref!", "#value!", "#name?"})
_SEXES: Final = {"m": "M", "male": "M", "man": "M", "男": "M", "f": "F", "female": "F",
                 "woman": "F", "w": "F", "女": "F"}  # fmt: skip
_AGE: Final = re.compile(r"(\d{1,3}(?:[.,]\d{1,3})?)\s*([YMWDymwd岁]?)\w*")
_YEARS: Final = {"": 1.0, "y": 1.0, "岁": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
_MORE_ENDINGS: Final = ("dicom", "webp", "jp2", "j2k", "gif")
_INNER_SEPARATORS: Final = re.compile(r"\s*[,、/&+]\s*")

NOT_NAMED: Final = Message("The table of labels does not name it.")
NO_LABEL: Final = Message("The table of labels gives it no label.")
SEVERAL: Final = Message("The table of labels gives it several labels.")
NOT_UNIQUE: Final = Message("The table of labels may mean it or another image of the same name.")
ONLY_ONE: Final = Message("The only image of its class.")


class LabelChoice(StrictModel):
    """A table of labels and its columns, by their names; kept with a run.

    A column that is None is guessed; an empty one is not used. Without a label column the class
    folders are the classes, and the table adds patients, views, ages and sexes.
    """

    file: str
    image: str | None = None
    label: str | None = None
    patient: str | None = None
    view: str | None = None
    age: str | None = None
    sex: str | None = None
    several: SeveralLabels = "refuse"

    @classmethod
    def refusal(cls, error: Exception) -> PneumoScopeError:
        """Say that a kept choice is none."""
        return ConfigError(Message("The choice of label columns is damaged. Choose them again."))

    def column(self, role: Role) -> str | None:
        """Return the column that was chosen for a role."""
        chosen: str | None = getattr(self, role)
        return chosen


@dataclass(frozen=True, slots=True)
class Details:
    """Facts about one image from its table; what is not known is empty or None."""

    label: str = ""
    patient: str = ""
    view: str = ""
    age: float | None = None  # years
    sex: str = ""  # M, F or ""


@dataclass(frozen=True, slots=True)
class LabelReport:
    """Rows without an image and images without a usable row; names are the first thousand."""

    choice: LabelChoice  # every column named
    n_rows: int
    n_missing: int = 0  # images that the table names and that are not there
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()  # images that the table does not name
    unlabelled: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    not_unique: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled:
    """Details of images, and why the others have none."""

    details: Mapping[str, Details]  # by name of the image
    refused: Mapping[str, Message]
    report: LabelReport


class NameIndex:
    """Names of images, found again however a table writes them.

    Folders and endings may be missing, case may differ, numbers may have lost their zeros.

    Args:
        names: As in the zip or folder, separators "/".
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_key: list[dict[str, list[str]]] = [defaultdict(list) for _ in range(4)]
        for name in names:
            for index, key in zip(self._by_key, _keys(_folded(name)), strict=True):
                if key:
                    index[key].append(name)

    def find(self, text: str) -> list[str]:
        """Return the images that a cell may mean: one where it is clear, none, or several."""
        wanted = _folded(text)
        if not wanted:
            return []
        for index, key in zip(self._by_key, _keys(wanted), strict=True):
            found = index.get(key, []) if key else []
            if len(found) > 1:
                nearest = [_n_common(wanted, _folded(name)) for name in found]
                found = [name for name, n in zip(found, nearest, strict=True) if n == max(nearest)]
            if found:
                return found
        return []


def _folded(name: str) -> str:
    text = name.strip().replace("\\", "/").casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.removeprefix("./").strip("/")


def _keys(folded: str) -> tuple[str, str, str, str]:
    """Return a name as it is, without folders, also without ending, and as a number."""
    base = folded.rpartition("/")[2]
    stem, _, ending = base.rpartition(".")
    if not _has_image_ending(ending):
        stem = base
    number = stem.removesuffix(".0")  # pandas writes numbers beside empty cells as 1.0
    is_number = number.isascii() and number.isdecimal()
    return folded, base, stem, (number.lstrip("0") or "0") if is_number else ""


@lru_cache(maxsize=256)
def _has_image_ending(ending: str) -> bool:
    return is_named_as_image(f"x.{ending}") or ending in _MORE_ENDINGS


def _n_common(wanted: str, name: str) -> int:
    """Count the folders, from the image upwards, in which two names agree."""
    n = 0
    pairs = zip(reversed(wanted.split("/")[:-1]), reversed(name.split("/")[:-1]), strict=False)
    for one, other in pairs:
        if one != other:
            break
        n += 1
    return n


def open_labels(choice: LabelChoice, names: Sequence[str]) -> Labelled:
    """Read a table and find the label of each image.

    Args:
        choice: The table, and its columns as far as they are known.
        names: Of the images.

    Raises:
        DatasetError: The table cannot be read, a column is missing, no image of it is there, or
            an image has several labels and the user has not said what to do.
    """
    table = with_right_header(read_table(Path(choice.file)), names)
    return label_images(table, completed(choice, table, names), names)


def with_right_header(table: Table, names: Sequence[str]) -> Table:
    """Return the table with numbered columns where its first row names an image already."""
    index = NameIndex(names)
    # "Image" is a title even where an image.png is there; a word with a digit is a name.
    is_untitled = any(
        index.find(cell)
        for cell in table.first_row
        if is_named_as_image(cell) or any(map(str.isdecimal, cell))
    )
    return table.without_header() if is_untitled else table


def completed(choice: LabelChoice, table: Table, names: Sequence[str]) -> LabelChoice:
    """Guess the columns that were not chosen, and name the chosen ones as the table does.

    Raises:
        DatasetError: A chosen column is not there, or none names the images.
    """
    found: dict[Role, str] = {}
    for role in ROLES:
        chosen = choice.column(role)
        if chosen is not None:
            found[role] = table.header[table.column(chosen)] if chosen else ""
    if not found.get("image"):
        found["image"] = _guess_images(table, names, set(found.values()))
    guesses: tuple[tuple[Role, Callable[[], str]], ...] = (
        ("patient", lambda: _titled(table, "patient", found)),
        ("view", lambda: _titled(table, "view", found)),
        ("age", lambda: _titled(table, "age", found)),
        ("sex", lambda: _titled(table, "sex", found)),
        ("label", lambda: _titled(table, "label", found) or _guess_labels(table, found)),
    )
    for role, guess in guesses:
        if role not in found:
            found[role] = guess()
    return choice.changed(**found)


def _plain(title: str) -> str:
    return "".join(character for character in title.casefold() if character.isalnum())


def _titled(table: Table, role: Role, found: Mapping[Role, str]) -> str:
    titles = {_plain(title): title for title in reversed(table.header)}
    free = (titles[name] for name in _TITLES[role] if name in titles)
    return next((title for title in free if title not in found.values()), "")


def _guess_images(table: Table, names: Sequence[str], taken: set[str]) -> str:
    """Find the column of which most values are images; the name decides between equals.

    Raises:
        DatasetError: None holds names of images that are there.
    """
    index = NameIndex(names)
    step = max(1, len(table.rows) // _N_GUESSED_FROM)
    rows = table.rows[::step]
    shares: dict[str, float] = {}
    for place, title in enumerate(table.header):
        if title not in taken:
            values = [row[place] for row in rows]
            # A number alone is an image only where nothing better is: ages are numbers too.
            n_found = sum(
                (1.0 if not value.isdecimal() or len(value) > 3 else 0.5)
                for value in values
                if value and index.find(value)
            )
            shares[title] = n_found / len(rows)
    best = max(shares.values(), default=0.0)
    # Of a sample of a large table perhaps no row is here: all rows tell.
    if best < _LEAST_FOUND and step > 1 and len(table.rows) <= 10**6:
        for place, title in enumerate(table.header):
            if title in shares:
                shares[title] = sum(bool(index.find(row[place])) for row in table.rows)
        best = max(shares.values(), default=0.0)
    if not best:
        raise DatasetError(
            Message(
                "No column of {file} holds the names of these images. Its columns are {columns}; "
                "an image is called {example}.",
                file=table.name,
                columns=", ".join(table.header),
                example=names[0] if names else "",
            )
        )
    order = {name: place for place, name in enumerate(_TITLES["image"])}
    candidates = [title for title, share in shares.items() if share >= 0.9 * best]
    return min(candidates, key=lambda title: order.get(_plain(title), len(order)))


def _guess_labels(table: Table, found: Mapping[Role, str]) -> str:
    """Find a column of few different words; "" where no column or more than one is such."""
    candidates = []
    for place, title in enumerate(table.header):
        if title in found.values():
            continue
        values = {row[place] for row in table.rows} - {""}
        is_text = not all(_is_number(value) for value in values)
        if is_text and 2 <= len(values) <= min(_MAX_LABELS, len(table.rows) // 2):
            candidates.append(title)
    return candidates[0] if len(candidates) == 1 else ""


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def label_images(
    table: Table, choice: LabelChoice, names: Sequence[str], index: NameIndex | None = None
) -> Labelled:
    """Find the label and the details of each image.

    Args:
        table: As it was read.
        choice: With every column named.
        names: Of the images.
        index: Of these names, where there is one already.

    Raises:
        DatasetError: See `open_labels`.
    """
    index = index or NameIndex(names)
    place = {role: table.column(title) for role in ROLES if (title := choice.column(role) or "")}
    alone = _single_labels(table, place)
    labels_in: dict[str, list[str]] = {}  # of each cell that was split
    rows_of: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    spelt: dict[str, set[str]] = defaultdict(set)
    missing: dict[str, None] = {}
    not_unique: dict[str, None] = {}
    for row in table.rows:
        cell = row[place["image"]]
        found = index.find(cell)
        if len(found) == 1:
            rows_of[found[0]].append(row)
            spelt[found[0]].add(_folded(cell))
        elif found:
            not_unique.update(dict.fromkeys(found))
        elif cell:
            missing[cell] = None
    if not rows_of and not not_unique:
        raise DatasetError(
            Message(
                "The column {column} of {file} names none of these images: it says {cell}, and an "
                "image is called {example}.",
                column=choice.image,
                file=table.name,
                cell=next(iter(missing), ""),
                example=names[0] if names else "",
            )
        )
    details: dict[str, Details] = {}
    several: dict[str, str] = {}
    unlabelled: list[str] = []
    for name, rows in rows_of.items():
        # Two names in the table, such as a/1.png and b/1.png, and one 1.png is there.
        if len(spelt[name]) > 1 and len({_keys(text)[1] for text in spelt[name]}) == 1:
            not_unique[name] = None
        if name in not_unique:
            continue
        labels = _labels_of(rows, place, alone, labels_in)
        if "label" in place and not labels:
            unlabelled.append(name)
            continue
        if len(labels) > 1:
            several[name] = "|".join(labels)
            if choice.several != "first":
                continue
        details[name] = _details(rows, place, labels)
    if not details and not several and unlabelled:
        raise DatasetError(
            Message(
                "The column {column} of {file} is empty for all of these images. If it holds "
                "formulas, save the file in Excel or LibreOffice, so that it keeps their values.",
                column=choice.label,
                file=table.name,
            )
        )
    if several and choice.several == "refuse":
        example = next(iter(several))
        raise SeveralLabelsError(
            Message(
                "Images with several labels in {file}: {n}, such as {example} with {labels}. Say "
                "whether the first one counts or such images are left out.",
                file=table.name,
                n=len(several),
                example=example,
                labels=several[example],
            )
        )
    surplus = [name for name in names if name not in rows_of and name not in not_unique]
    excluded = several if choice.several == "exclude" else {}
    refused = {
        **dict.fromkeys(surplus, NOT_NAMED),
        **dict.fromkeys(unlabelled, NO_LABEL),
        **dict.fromkeys(excluded, SEVERAL),
        **dict.fromkeys(not_unique, NOT_UNIQUE),
    }
    if "label" not in place:  # the folders are the classes of those as well
        refused = {}
    report = LabelReport(
        choice,
        len(table.rows),
        len(missing),
        tuple(missing)[:MAX_NAMED],
        tuple(surplus),
        tuple(unlabelled),
        tuple(several),
        tuple(not_unique),
    )
    return Labelled(details, refused, report)


class SeveralLabelsError(DatasetError):
    """Images have several labels, and nobody has said which one counts."""


def _single_labels(table: Table, place: Mapping[Role, int]) -> frozenset[str]:
    """Return the labels that stand alone in a cell: they tell a comma in a name from a list."""
    if "label" not in place:
        return frozenset()
    cells = {row[place["label"]] for row in table.rows}
    return frozenset(cell for cell in cells if not _INNER_SEPARATORS.search(cell))


def _labels_of(
    rows: Iterable[tuple[str, ...]],
    place: Mapping[Role, int],
    alone: frozenset[str],
    known: dict[str, list[str]],
) -> list[str]:
    """Return the different labels of an image in their order."""
    if "label" not in place:
        return []
    labels: dict[str, str] = {}
    for row in rows:
        cell = row[place["label"]]
        if cell not in known:
            known[cell] = split_labels(cell, alone)
        for label in known[cell]:
            labels.setdefault(label.casefold(), label)
    return list(labels.values())


def split_labels(cell: str, alone: frozenset[str] = frozenset()) -> list[str]:
    """Split a cell such as `A|B`, `A; B` or `['A', 'B']` into labels.

    Args:
        cell: As the table has it.
        alone: Labels that stand alone in other cells; where every part of a cell that has commas,
            slashes or plus signs in it is one of them, it is a list.
    """
    texts = [cell]
    if cell.startswith("[") and cell.endswith("]") and len(cell) < 10_000:
        try:
            values = ast.literal_eval(cell)
            texts = [str(value) for value in values]
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            texts = cell[1:-1].split(",")
    parts = [part for text in texts for part in re.split(r"[|;\n]", text)]
    labels: list[str] = []
    for part in parts:
        pieces = [piece for piece in _INNER_SEPARATORS.split(part.strip()) if piece]
        labels += pieces if len(pieces) > 1 and alone.issuperset(pieces) else [part]
    cleaned = (" ".join(label.split()) for label in labels)
    return [_whole(label) for label in cleaned if label.casefold() not in _NO_LABEL]


def _whole(label: str) -> str:
    """Return 1 for 1.0, and a name that can be a class."""
    number = label.removesuffix(".0")
    if number.isascii() and number.isdecimal():
        return number
    plain = label.replace("/", "-").replace("\\", "-")
    return plain if plain.isascii() and plain.isprintable() else showable(plain)


def _details(
    rows: Sequence[tuple[str, ...]], place: Mapping[Role, int], labels: Sequence[str]
) -> Details:
    def first(role: Role) -> str:
        if role not in place:
            return ""
        return next((row[place[role]] for row in rows if row[place[role]]), "")

    return Details(
        labels[0] if labels else "",
        _whole(first("patient")),
        first("view").upper(),
        age_in_years(first("age")),
        _SEXES.get(first("sex").casefold(), ""),
    )


def age_in_years(text: str) -> float | None:
    """Read `58`, `058Y`, `11M`, `58 years` or `58岁`; None: it is none, or of nobody."""
    match = _AGE.fullmatch(text.strip())
    if match is None:
        return None
    years = float(match.group(1).replace(",", ".")) * _YEARS[match.group(2).casefold()]
    return round(years, 2) if years <= 120 else None


def without_lone(labelled: Labelled) -> Labelled:
    """Leave out the images that are the only ones of their class.

    Raises:
        DatasetError: Fewer than two classes are left, or there are too many.
    """
    counts = Counter(one.label for one in labelled.details.values())
    lone = {name for name, one in labelled.details.items() if counts[one.label] < 2}
    classes = [label for label, n in counts.items() if n > 1]
    low, high = N_CLASSES_RANGE
    choice = labelled.report.choice
    if not low <= len(classes) <= high:
        raise DatasetError(
            Message(
                "The column {column} of {file} sorts these images into {n} classes of two images "
                "or more; {low} to {high} are possible. Choose another column.",
                column=choice.label,
                file=Path(choice.file).name,
                n=len(classes),
                low=low,
                high=high,
            )
        )
    kept = {name: one for name, one in labelled.details.items() if name not in lone}
    refused = {**labelled.refused, **dict.fromkeys(lone, ONLY_ONE)}
    return Labelled(kept, refused, labelled.report)


_N_PREVIEWED: Final = 20_000  # rows: a choice is answered while the user looks


class LabelOffer:
    """A table that can label the images of a dataset, with its columns as guessed.

    Args:
        sources: The zips and folders of the images.
        tables: Those that can be chosen; the first is this one.
        table: As it was read.
        choice: With every column named.
        names: Of the images.
    """

    def __init__(
        self,
        sources: tuple[Path, ...],
        tables: tuple[Path, ...],
        table: Table,
        choice: LabelChoice,
        names: Sequence[str],
    ) -> None:
        self.sources, self.tables, self.table, self.choice = sources, tables, table, choice
        self._names, self._index = names, NameIndex(names)

    @property
    def is_sampled(self) -> bool:
        """True if a preview looks at the first rows only."""
        return len(self.table.rows) > _N_PREVIEWED

    def preview(self, choice: LabelChoice) -> Labelled:
        """Return what a choice would make of the images, or of the first rows of a large table.

        Raises:
            DatasetError: Why it cannot be used.
        """
        rows = self.table.rows[:_N_PREVIEWED]
        table = dataclasses.replace(self.table, rows=rows)
        labelled = label_images(table, choice, self._names, self._index)
        return without_lone(labelled) if choice.label else labelled
