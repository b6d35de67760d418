"""Findings about single files: what could not be read, and what looks unlike a chest film."""

from collections.abc import Iterator, Sequence

from core.data.audit.findings import Finding
from core.data.images import MIN_SIDE, is_named_as, is_named_as_image
from core.data.loading import LoadedDataset
from core.data.records import Record
from core.errors import Message, Refusal

SMALL_SIDE = 128  # pixels; below, ribs and vessels cannot be told apart


def file_findings(loaded: LoadedDataset) -> Iterator[Finding]:
    """Go through the files that were left out, then through the films."""
    left_out = loaded.dataset.left_out
    yield from _refused(left_out)
    yield from _misnamed(loaded)
    yield from _tiny(loaded, left_out)
    yield from _seen(loaded)


def _refused(left_out: Sequence[Refusal]) -> Iterator[Finding]:
    unreadable = [refusal.file for refusal in left_out if refusal.kind == "unreadable"]
    if unreadable:
        yield Finding(
            "unreadable",
            "warning",
            Message(
                "Files that cannot be read and are left out: {n}, such as {example}. Where one "
                "machine made them all, their class loses that kind of film.",
                n=len(unreadable),
                example=unreadable[0],
            ),
            tuple(unreadable),
        )
    truncated = [refusal.file for refusal in left_out if refusal.kind == "truncated"]
    if truncated:
        yield Finding(
            "truncated",
            "warning",
            Message(
                "Films that are cut short and left out: {n}, such as {example}. A copy or download "
                "broke off: get them again.",
                n=len(truncated),
                example=truncated[0],
            ),
            tuple(truncated),
        )
    strangers = [refusal.file for refusal in left_out if refusal.kind == "not_an_image"]
    posing = [name for name in strangers if is_named_as_image(name)]
    if posing:
        yield Finding(
            "not_an_image",
            "warning",
            Message(
                "Files that are called images and are none: {n}, such as {example}. They are left "
                "out; a web page saved under an image's name is the usual cause.",
                n=len(posing),
                example=posing[0],
            ),
            tuple(posing),
        )
    others = [name for name in strangers if name not in set(posing)]
    if others:
        yield Finding(
            "not_an_image",
            "note",
            Message(
                "Other files among the films, left out: {n}, such as {example}.",
                n=len(others),
                example=others[0],
            ),
            tuple(others),
        )


def _misnamed(loaded: LoadedDataset) -> Iterator[Finding]:
    headers = loaded.cache.headers
    misnamed = [
        record
        for record in loaded.dataset.records
        if not is_named_as(record.name, headers[record.digest].format)
    ]
    if misnamed:
        yield Finding(
            "wrong_extension",
            "note",
            Message(
                "Films of another format than their names say: {n}, such as {example}, which is "
                "{format}. They are read by what they hold; other programs may refuse them.",
                n=len(misnamed),
                example=misnamed[0].name,
                format=headers[misnamed[0].digest].format,
            ),
            _names(misnamed),
        )


def _tiny(loaded: LoadedDataset, left_out: Sequence[Refusal]) -> Iterator[Finding]:
    refused = [refusal.file for refusal in left_out if refusal.kind == "tiny"]
    if refused:
        yield Finding(
            "tiny",
            "warning",
            Message(
                "Images of fewer than {side} pixels a side, left out: {n}, such as {example}.",
                n=len(refused),
                side=MIN_SIDE,
                example=refused[0],
            ),
            tuple(refused),
        )
    headers = loaded.cache.headers
    small = [
        record
        for record in loaded.dataset.records
        if min(headers[record.digest].width, headers[record.digest].height) < SMALL_SIDE
    ]
    if small:
        yield Finding(
            "tiny",
            "warning",
            Message(
                "Films of fewer than {side} pixels a side: {n}, such as {example}. Vessels and "
                "fine shadows are lost in them.",
                n=len(small),
                side=SMALL_SIDE,
                example=small[0].name,
            ),
            _names(small),
            mend="leave_out",
        )


def _seen(loaded: LoadedDataset) -> Iterator[Finding]:
    """What the picture itself shows."""
    records, survey, headers = loaded.dataset.records, loaded.survey, loaded.cache.headers
    row = {digest: number for number, digest in enumerate(survey.digests)}
    blank = [film for film in records if survey.appearance.is_blank[row[film.digest]]]
    if blank:
        yield Finding(
            "blank",
            "error",
            Message(
                "Blank films: {n}, such as {example}. The network would learn their class "
                "from nothing at all.",
                n=len(blank),
                example=blank[0].name,
            ),
            _names(blank),
            mend="leave_out",
        )
    coloured = [film for film in records if film.digest in loaded.cache.colour_rows]
    if coloured:
        yield Finding(
            "coloured",
            "warning",
            Message(
                "Films with colour in them: {n}, such as {example}. X-rays are grey: arrows, "
                "letters or a screen photograph give the class away.",
                n=len(coloured),
                example=coloured[0].name,
            ),
            _names(coloured),
            mend="leave_out",
        )
    with_alpha = [film for film in records if headers[film.digest].has_alpha]
    if with_alpha:
        yield Finding(
            "coloured",
            "note",
            Message(
                "Films with an alpha channel: {n}, such as {example}. It is taken away on reading.",
                n=len(with_alpha),
                example=with_alpha[0].name,
            ),
            _names(with_alpha),
        )
    turned = [film for film in records if survey.orientation.rotation[row[film.digest]]]
    if turned:
        yield Finding(
            "rotated",
            "warning",
            Message(
                "Films that seem to lie on their side or upside down: {n}, such as {example}. "
                "Turn them in the original or leave them out.",
                n=len(turned),
                example=turned[0].name,
            ),
            _names(turned),
            mend="leave_out",
        )
    inverted = [film for film in records if survey.orientation.is_inverted[row[film.digest]]]
    if inverted:
        yield Finding(
            "inverted",
            "warning",
            Message(
                "Films that seem to be negatives, with dark bones: {n}, such as {example}. If "
                "one class has most of them, the network learns only that.",
                n=len(inverted),
                example=inverted[0].name,
            ),
            _names(inverted),
            mend="leave_out",
        )


def _names(records: Sequence[Record]) -> tuple[str, ...]:
    return tuple(record.name for record in records)
