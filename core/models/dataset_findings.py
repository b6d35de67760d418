"""Findings about the training dataset that bear on a model's answers; they travel in its file.

Kept as numbers and names, not as sentences: a sentence from a foreign file could say anything.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from core.config import N_CLASSES_RANGE
from core.errors import ConfigError, Message
from core.schema import StrictModel

RED_AUROC: Final = 0.8  # above it, what is not lung tells classes apart: an error of the report
# Above it, answers cannot be vouched for. The frame of an X-ray also shows how ill a patient is
# (lying, with tubes, opacities at the rim): NORMAL and Viral_Pneumonia of one hospital are told
# apart with 0.85 by it, classes of two hospitals with 1.00.
SHORTCUT_AUROC: Final = 0.9
WARNED_RATIO: Final = 3.0  # of the largest class to the smallest
MOST_PAIRS: Final = 190  # of the 20 classes that are examined
_MOST_PROPERTIES: Final = 3  # in a sentence
MOST_PROPERTIES: Final = 20  # that are kept
_MOST_NAMES: Final = 5  # of classes in one sentence

PropertyKey = Literal[
    "width",
    "height",
    "aspect",
    "format",
    "bits",
    "channels",
    "jpeg_quality",
    "mean",
    "spread",
    "border_black",
    "border_white",
    "corner_detail",
    "source",
    "grey_levels",
    "frame",
    "border_step",
    "letters",
    "texture",
    "blockiness",
    "view",
    "age",
    "sex",
    "maker",
]
PROPERTY_KEYS: Final[tuple[PropertyKey, ...]] = get_args(PropertyKey)
_PROPERTIES: Final[Mapping[str, Message]] = {
    "width": Message("width in pixels"),
    "height": Message("height in pixels"),
    "aspect": Message("ratio of width to height"),
    "format": Message("file format"),
    "bits": Message("bit depth"),
    "channels": Message("number of channels"),
    "jpeg_quality": Message("JPEG quality"),
    "mean": Message("mean grey level"),
    "spread": Message("spread of grey levels"),
    "border_black": Message("black border"),
    "border_white": Message("white border"),
    "corner_detail": Message("detail in the corners"),
    "source": Message("source"),
    "grey_levels": Message("number of grey levels"),
    "frame": Message("brightness along the edge"),
    "border_step": Message("darker or brighter border"),
    "letters": Message("letters and markers at the edge"),
    "texture": Message("sharpness and noise outside the lungs"),
    "blockiness": Message("JPEG blocks outside the lungs"),
    "view": Message("view (AP, PA)"),
    "age": Message("age"),
    "sex": Message("sex"),
    "maker": Message("maker of the machine"),
}

_ClassName = Annotated[str, Field(min_length=1, max_length=200)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0, lt=2**53)]


def property_name(key: str) -> Message:
    """Return the name of a property as people say it."""
    return _PROPERTIES[key]


def _invalid(name: str) -> ConfigError:
    return ConfigError(
        Message("{name} of {kind} is not valid.", name=name, kind=DatasetFindings.__name__)
    )


class ToldApart(StrictModel):
    """Two classes that can be told apart without the lungs."""

    one: _ClassName
    other: _ClassName
    auroc: _Share


class Telltale(StrictModel):
    """A property of X-rays that gives the worst class away."""

    key: PropertyKey
    auroc: _Share  # alone


class DatasetFindings(StrictModel):
    """Findings about a training dataset that bear on a model's answers.

    Raises:
        ConfigError: A value is not what it must be.
    """

    counts: dict[_ClassName, _Count] = Field(min_length=1, max_length=N_CLASSES_RANGE[1])
    # Classes that were examined for confounders; the others had too few X-rays.
    examined: tuple[_ClassName, ...] = Field((), max_length=N_CLASSES_RANGE[1], strict=False)
    # Pairs above SHORTCUT_AUROC.
    told_apart: tuple[ToldApart, ...] = Field((), max_length=MOST_PAIRS, strict=False)
    properties: tuple[Telltale, ...] = Field(
        (), max_length=MOST_PROPERTIES, strict=False
    )  # the best first
    # Classes of which no X-ray shares a source with another class.
    single_source: tuple[_ClassName, ...] = Field((), max_length=N_CLASSES_RANGE[1], strict=False)
    # Classes of which no X-ray was tested.
    untested: tuple[_ClassName, ...] = Field((), max_length=N_CLASSES_RANGE[1], strict=False)
    has_patients: bool = True  # False: nothing tells whose the X-rays are
    n_test: _Count = 0
    n_leaking: _Count = 0  # test X-rays of which training has a copy or the patient
    n_left_out: _Count = 0  # by hand
    n_relabelled: _Count = 0  # likewise

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        named = {*self.examined, *self.single_source, *self.untested}
        named |= {name for pair in self.told_apart for name in (pair.one, pair.other)}
        if not named <= self.counts.keys() or any(p.one == p.other for p in self.told_apart):
            raise _invalid("classes")
        if self.n_leaking > self.n_test:
            raise _invalid("n_leaking")
        return self

    def auroc_between(self, one: str, other: str) -> float | None:
        """Return how well two classes are told apart without the lungs; None: no red finding."""
        for pair in self.told_apart:
            if {pair.one, pair.other} == {one, other}:
                return pair.auroc
        return None

    def auroc_of(self, name: str) -> float | None:
        """Return the AUROC between a class and its likest other; None where that is not red."""
        others = [other for other in self.examined if other != name]
        if name not in self.examined or not others:
            return None
        areas = [self.auroc_between(name, other) for other in others]
        known = [area for area in areas if area is not None]
        return min(known) if len(known) == len(areas) else None

    def shortcut_of(self, name: str) -> Message | None:
        """Say why answers of a class cannot be vouched for; None: nothing is known against them."""
        if name in self.single_source:
            return Message(
                "All training X-rays of {name} come from a source that no other class has. No "
                "training can separate this class from its source; get X-rays of the other "
                "classes from that source.",
                name=name,
            )
        area = self.auroc_of(name)
        if area is None:
            return None
        if not self.properties:
            return Message(
                "{name} can be recognised without the lungs (AUROC {auroc}), so its answers may "
                "rest on that.",
                name=name,
                auroc=f"{area:.2f}",
            )
        return Message(
            "{name} can be recognised without the lungs (AUROC {auroc}), by {properties}, so its "
            "answers may rest on that.",
            name=name,
            auroc=f"{area:.2f}",
            properties=self._telltales(),
        )

    def warnings(self) -> tuple[Message, ...]:
        """Say what anybody who uses the model must know, the most important first."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[Message]:
        for name in self.counts:
            shortcut = self.shortcut_of(name)
            if shortcut is not None:
                yield shortcut
        red = {name for name in self.counts if self.shortcut_of(name) is not None}
        for pair in self.told_apart:
            if not red & {pair.one, pair.other}:
                yield Message(
                    "{one} and {other} can be told apart without the lungs (AUROC {auroc}).",
                    one=pair.one,
                    other=pair.other,
                    auroc=f"{pair.auroc:.2f}",
                )
        if self.untested:
            names = ", ".join(self.untested[:_MOST_NAMES])
            yield Message(
                "No X-ray of these classes was tested, so nothing tells how well the model "
                "recognises them: {names}.",
                names=names if len(self.untested) <= _MOST_NAMES else f"{names}, ...",
            )
        if self.n_leaking:
            yield Message(
                "Of {n} of {n_test} test X-rays, training has a copy or the same patient: the test "
                "result is too good.",
                n=self.n_leaking,
                n_test=self.n_test,
            )
        if not self.has_patients:
            yield Message(
                "The patients are unknown, so the test may hold patients that the model learned "
                "from: its result may be too good."
            )
        sizes = [n for n in self.counts.values() if n]
        if sizes and max(sizes) >= WARNED_RATIO * min(sizes):
            yield Message(
                "The largest class has {ratio} times as many X-rays as the smallest.",
                ratio=f"{max(sizes) / min(sizes):.1f}",
            )
        if self.n_left_out or self.n_relabelled:
            yield Message(
                "Changed by hand before training: {n_left_out} X-rays left out, {n_relabelled} "
                "given another class.",
                n_left_out=self.n_left_out,
                n_relabelled=self.n_relabelled,
            )

    def _telltales(self) -> Message:
        joined = property_name(self.properties[0].key)
        for one in self.properties[1:_MOST_PROPERTIES]:
            joined = Message("{first}, {second}", first=joined, second=property_name(one.key))
        return joined
