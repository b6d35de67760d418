"""Audit of a dataset: every finding, worst first."""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audit.confounder import Confounder, confounder_finding, open_confounder
from core.audit.findings import KINDS, SEVERITIES, Finding
from core.audit.sources import findings_of_run, single_source_finding, single_sources
from core.config import preset
from core.data.dataset import LoadedDataset
from core.data.folder_names import spelling
from core.data.labels import LabelReport
from core.data.layout import Layout, listed, listed_levels
from core.data.near_duplicates import MANY_ALIKE, clusters
from core.data.patient_names import MIN_SHARE_WITH_PATIENT
from core.data.patients import Grouping
from core.data.records import Dataset, Record
from core.data.splits import Splits, leaking_groups, split, unscored_classes
from core.errors import DatasetError, Message, Refusal
from core.events import Progress
from core.images.formats import MIN_SIDE, is_named_as, is_named_as_image
from core.models.dataset_findings import DatasetFindings

NOTED_RATIO = 1.5  # largest class to smallest
WARNED_RATIO = 3.0
SMALL_SIDE = 128  # pixels; below, ribs and vessels cannot be told apart
LEAST_OF_ONE_PATIENT = 0.95  # correlation of moved copies; phantoms taken twice reach 0.93
NAIVE_TEST_SHARE = 0.1  # the usual 9:1
N_DRAWS = 50
_STAGE = Message("Looking for trouble in the dataset")


@dataclass(frozen=True, slots=True)
class Report:
    """Result of the audit."""

    findings: tuple[Finding, ...]  # worst first, then by kind
    confounder: Confounder | None  # None: too few films or patients to tell
    facts: DatasetFindings | None = None  # those that a model keeps; None: no split is possible

    @property
    def counts(self) -> dict[str, int]:
        """The number of findings of each severity."""
        return {
            severity: sum(finding.severity == severity for finding in self.findings)
            for severity in SEVERITIES
        }


def audit(loaded: LoadedDataset) -> Generator[Progress | Report, None, None]:
    """Yield progress and at last the report."""
    yield Progress(_STAGE, 0, 2)
    parts: Splits | DatasetError
    try:
        parts = split(loaded.dataset, loaded.grouping, preset("recommended"))
    except DatasetError as error:  # a class is too small
        parts = error
    findings = [
        *class_findings(loaded.dataset),
        *file_findings(loaded),
        *relation_findings(loaded),
        *leakage_findings(loaded, parts),
        *balance_findings(loaded, parts),
    ]
    yield Progress(_STAGE, 1, 2)
    confounder = open_confounder(loaded)
    findings.append(confounder_finding(loaded, confounder))
    single = single_sources(loaded)
    alone = single_source_finding(loaded, single)
    if alone is not None:
        findings.append(alone)
    facts = findings_of_run(loaded, parts, single) if isinstance(parts, Splits) else None
    findings.sort(key=lambda one: (SEVERITIES.index(one.severity), KINDS.index(one.kind)))
    yield Report(tuple(findings), confounder, facts)


def class_findings(dataset: Dataset) -> Iterator[Finding]:
    """Say which folders were taken for the classes, and which of them are one class."""
    layout = dataset.layout
    if layout is not None and layout.alternatives:
        yield Finding(
            "class_level",
            "note" if layout.is_certain else "warning",
            Message(
                "The classes are the folders of level {level}, {names}; {reason} Other levels: "
                "{others}. Choose the level beside the classes, or with --class-level.",
                level=_levels(layout),
                names=listed(dataset.classes),
                reason=layout.reason,
                others=listed_levels(layout.alternatives),
            ),
            (),
        )
    elif layout is not None and not layout.is_certain:
        yield Finding(
            "class_level",
            "warning",
            Message(
                "The classes are the folders of level {level}, {names}; {reason}",
                level=_levels(layout),
                names=listed(dataset.classes),
                reason=layout.reason,
            ),
            (),
        )
    spellings: dict[str, list[str]] = {}
    for name in dataset.classes:
        spellings.setdefault(spelling(name), []).append(name)
    counts = dataset.counts
    for names in spellings.values():
        if len(names) > 1:
            names.sort(key=lambda name: -counts[name])
            others = {dataset.classes.index(name) for name in names[1:]}
            yield Finding(
                "class_spelling",
                "error",
                Message(
                    "The classes {names} differ in spelling alone, and the network would learn "
                    "them as different diseases. Merge them if they are one class; else give them "
                    "names that differ.",
                    names=", ".join(
                        f"\N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}"
                        for name in names
                    ),
                ),
                _names([record for record in dataset.records if record.label in others]),
                fix="merge",
                classes=tuple(names),
            )


def _levels(layout: Layout) -> str:
    return ", ".join(
        str(level) for level in sorted({one for one in layout.levels if one is not None})
    )


def file_findings(loaded: LoadedDataset) -> Iterator[Finding]:
    """Go through the files that were left out, then through the films."""
    left_out = loaded.dataset.left_out
    yield from _refused(left_out)
    yield from _misnamed(loaded)
    if loaded.dataset.labels is not None:
        yield from _labels(loaded.dataset.labels)
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


def _labels(report: LabelReport) -> Iterator[Finding]:
    """Compare the table of labels with the images that are there."""
    table = Path(report.choice.file).name
    if report.n_missing:
        yield Finding(
            "labels",
            "warning",
            Message(
                "Images that {table} names and that are not there: {n}, such as {example}. Add "
                "them, or check that the table belongs to these images.",
                table=table,
                n=report.n_missing,
                example=report.missing[0],
            ),
            report.missing,
            float(report.n_missing),
        )
    if report.surplus:
        message = Message(
            "Images that {table} does not name, left out: {n}, such as {example}.",
            table=table,
            n=len(report.surplus),
            example=report.surplus[0],
        )
        if not report.choice.label:
            message = Message(
                "Images that {table} does not name: {n}, such as {example}. Of their patients, "
                "views, ages and sexes nothing is known.",
                table=table,
                n=len(report.surplus),
                example=report.surplus[0],
            )
        yield Finding("labels", "warning", message, report.surplus, float(len(report.surplus)))
    if report.unlabelled:
        yield Finding(
            "labels",
            "warning",
            Message(
                "Images whose label is empty in {table}, left out: {n}, such as {example}.",
                table=table,
                n=len(report.unlabelled),
                example=report.unlabelled[0],
            ),
            report.unlabelled,
            float(len(report.unlabelled)),
        )
    if report.several:
        message = Message(
            "Images with several labels in {table}, left out: {n}, such as {example}. Patients "
            "with two diseases are then missing from training and test.",
            table=table,
            n=len(report.several),
            example=report.several[0],
        )
        if report.choice.several == "first":
            message = Message(
                "Images with several labels in {table}, of which only the first counts: {n}, such "
                "as {example}. An answer with another of their labels counts as wrong.",
                table=table,
                n=len(report.several),
                example=report.several[0],
            )
        yield Finding("labels", "warning", message, report.several, float(len(report.several)))
    if report.not_unique:
        yield Finding(
            "labels",
            "warning",
            Message(
                "Images that {table} does not tell apart, for they have one name: {n}, such as "
                "{example}. Write their folders into the table.",
                table=table,
                n=len(report.not_unique),
                example=report.not_unique[0],
            ),
            report.not_unique,
            float(len(report.not_unique)),
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
            fix="leave_out",
        )


def _seen(loaded: LoadedDataset) -> Iterator[Finding]:
    """Go through what the pictures themselves show."""
    records, survey, headers = loaded.dataset.records, loaded.survey, loaded.cache.headers
    row = {digest: number for number, digest in enumerate(survey.digests)}
    many = [film for film in records if headers[film.digest].n_frames > 1]
    if many:
        yield Finding(
            "several_frames",
            "note",
            Message(
                "DICOM files of several frames: {n}, such as {example}. The first frame of each "
                "is used.",
                n=len(many),
                example=many[0].name,
            ),
            _names(many),
        )
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
            fix="leave_out",
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
            fix="leave_out",
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
            fix="leave_out",
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
            fix="leave_out",
        )


def _names(records: Sequence[Record]) -> tuple[str, ...]:
    return tuple(record.name for record in records)


def relation_findings(loaded: LoadedDataset) -> Iterator[Finding]:
    """Find copies first, then patients in two classes."""
    misplaced: set[str] = set()  # names of films that lie in two classes
    for finding in _copies(loaded):
        if finding.kind == "in_two_classes":
            misplaced.update(finding.files)
        yield finding
    yield from _patients(loaded, misplaced)
    yield from _unknown_patients(loaded)


def _copies(loaded: LoadedDataset) -> Iterator[Finding]:
    records = loaded.dataset.records
    by_digest: dict[str, list[Record]] = {}
    for record in records:
        by_digest.setdefault(record.digest, []).append(record)
    for films in by_digest.values():
        if len(films) > 1:
            yield _exact(films, loaded.dataset.classes)
    yield from _similar(loaded, by_digest)


def _exact(films: Sequence[Record], classes: Sequence[str]) -> Finding:
    names = tuple(film.name for film in films)
    labels = sorted({film.label for film in films})
    if len(labels) > 1:
        return Finding(
            "in_two_classes",
            "error",
            Message(
                "The very same film {example} lies in the classes {one} and {other}. Leave "
                "both out, or give one the class of the other among the films.",
                example=names[0],
                one=classes[labels[0]],
                other=classes[labels[1]],
            ),
            names,
            1.0,
            "leave_out",
        )
    return Finding(
        "exact_duplicate",
        "warning",
        Message(
            "{n} copies of one film: {names}. A film that counts several times weighs more, "
            "and a copy in the test is no test.",
            n=len(names),
            names=_listed(names),
        ),
        names,
        1.0,
        "keep_one",
    )


def _similar(loaded: LoadedDataset, by_digest: Mapping[str, list[Record]]) -> Iterator[Finding]:
    """Find films of different bytes that show the same exposure."""
    digests = list(by_digest)
    place = {digest: number for number, digest in enumerate(digests)}
    patient_of = {
        record.digest: patient
        for patient, record in zip(loaded.grouping.patients, loaded.dataset.records, strict=True)
    }
    pairs = [
        (place[pair.one], place[pair.other], pair.correlation)
        for pair in loaded.survey.same_image
        if pair.one in place
        and pair.other in place
        # Two exposures in a row differ little, and no split by patient parts them.
        and (
            pair.is_plain
            or pair.correlation > LEAST_OF_ONE_PATIENT
            or patient_of[pair.one] != patient_of[pair.other]
        )
    ]
    for members in clusters(len(digests), [pair[:2] for pair in pairs]):
        films = [by_digest[digests[member]][0] for member in members]
        inside = set(members)
        weakest = min(correlation for one, _, correlation in pairs if one in inside)
        names = tuple(film.name for film in films)
        labels = sorted({film.label for film in films})
        if len(films) >= MANY_ALIKE:
            # Nobody has a dozen copies of one X-ray without knowing it.
            yield Finding(
                "shared_frame",
                "warning",
                Message(
                    "{n} X-rays look alike, such as {example} and {other}. Either they share a "
                    "frame, such as the window of a viewer, or they were made from one X-ray. "
                    "Crop a frame away: the network would learn it. Of X-rays made from one, "
                    "keep the original.",
                    n=len(films),
                    example=names[0],
                    other=names[1],
                ),
                names,
                weakest,
            )
        elif len(labels) > 1:
            yield Finding(
                "in_two_classes",
                "error",
                Message(
                    "{example} and {copy} show the same film and lie in the classes {one} and "
                    "{other}. Leave both out, or give one the class of the other among the films.",
                    example=next(film.name for film in films if film.label == labels[0]),
                    copy=next(film.name for film in films if film.label == labels[1]),
                    one=loaded.dataset.classes[labels[0]],
                    other=loaded.dataset.classes[labels[1]],
                ),
                names,
                weakest,
                "leave_out",
            )
        else:
            yield Finding(
                "near_duplicate",
                "warning",
                Message(
                    "{n} files show the same film, saved anew: {names}. A split by patient "
                    "keeps them together.",
                    n=len(names),
                    names=_listed(names),
                ),
                names,
                weakest,
                "keep_one",
            )


def _patients(loaded: LoadedDataset, misplaced: Set[str]) -> Iterator[Finding]:
    """Find patients who would be in two classes even if every film lay in one."""
    if not loaded.grouping.has_patients:
        return
    dataset = loaded.dataset
    films_of: dict[str, list[Record]] = {}
    for patient, record in zip(loaded.grouping.patients, dataset.records, strict=True):
        if record.name not in misplaced:
            films_of.setdefault(patient, []).append(record)
    for films in films_of.values():
        labels = sorted({film.label for film in films})
        if len(labels) > 1:
            yield Finding(
                "patient_in_two_classes",
                "warning",
                Message(
                    "One patient has films in the classes {one} and {other}, such as {example}. "
                    "That may be true, as after an illness; if not, the names tell the patients "
                    "in another way.",
                    one=dataset.classes[labels[0]],
                    other=dataset.classes[labels[1]],
                    example=films[0].name,
                ),
                tuple(film.name for film in films),
                fix="regroup",
            )


def _unknown_patients(loaded: LoadedDataset) -> Iterator[Finding]:
    """Say of which films nothing tells the patient, and what that means for the test."""
    dataset, grouping = loaded.dataset, loaded.grouping
    unknown = [dataset.records[place] for place in grouping.unknown(dataset.records)]
    counts = Counter(record.label for record in unknown)
    classes = [
        name
        for label, (name, n) in enumerate(dataset.counts.items())
        if counts[label] > (1 - MIN_SHARE_WITH_PATIENT) * n
    ]
    if classes and not grouping.is_stated:
        yield Finding(
            "patients_unknown",
            "warning",
            Message(
                "Nothing tells the patients of {n} of {total} X-rays, such as {example} (classes: "
                "{names}). X-rays of one patient may lie in training and in the test, and the "
                "test result may then be too good. Say on the Split tab how names tell patients, "
                "or give a table of labels with a column of patients.",
                n=len(unknown),
                total=len(dataset.records),
                example=unknown[0].name,
                names=listed(classes),
            ),
            _names(unknown),
            len(unknown) / len(dataset.records),
            "regroup",
        )


def _listed(names: Sequence[str], n_shown: int = 3) -> str:
    return ", ".join(names[:n_shown]) + (" …" if len(names) > n_shown else "")


@dataclass(frozen=True, slots=True)
class NaiveSplit:
    """Random 9:1 splits of single films: test films of which training has a relative."""

    n_test: int
    n_leaking: float  # mean over the draws
    example: tuple[int, ...]  # the leaking films of the first draw, indices into the records


def leakage_findings(loaded: LoadedDataset, parts: Splits | DatasetError) -> Iterator[Finding]:
    """Say what the usual split would leak, and what the folders' own split does.

    Args:
        loaded: Films.
        parts: The split by patient, or why there is none.
    """
    naive = naive_split(loaded.grouping)
    names = tuple(loaded.dataset.records[index].name for index in naive.example)
    value = naive.n_leaking / naive.n_test
    if isinstance(parts, Splits) and naive.n_leaking:
        ours = len(leaking_groups(loaded.grouping, parts))
        numbers = {"n": f"{naive.n_leaking:.1f}", "total": naive.n_test, "share": f"{value:.0%}"}
        message = Message(
            "A random 9:1 split would put {n} of {total} test films ({share}) beside training "
            "films of the same patient or copies of them, and the test would measure memory. "
            "In the split by patient {ours} patients or copies cross.",
            **numbers,
            ours=ours,
        )
        if not loaded.grouping.knows_patients and not ours:
            message = Message(
                "A random 9:1 split would put {n} of {total} test X-rays ({share}) beside copies "
                "of them or training X-rays that are known to be of the same patient. In the "
                "split by patient none of these cross; X-rays of unknown patients may.",
                **numbers,
            )
        yield Finding(
            "leakage",
            "note" if ours == 0 else "error",
            message,
            names,
            value,
        )
    yield from _given(loaded.dataset, loaded.grouping)


def naive_split(grouping: Grouping) -> NaiveSplit:
    """Draw the split that ignores patients and copies, many times."""
    _, groups = np.unique(np.array(grouping.groups), return_inverse=True)  # (N,)
    n_test = max(1, round(NAIVE_TEST_SHARE * len(groups)))
    sizes = np.bincount(groups)
    random = np.random.default_rng(0)
    found: list[int] = []
    example: tuple[int, ...] = ()
    for draw in range(N_DRAWS):
        test = random.choice(len(groups), n_test, replace=False)
        in_test = np.bincount(groups[test], minlength=len(sizes))
        leaking = test[in_test[groups[test]] < sizes[groups[test]]]
        found.append(len(leaking))
        if draw == 0:
            example = tuple(int(index) for index in np.sort(leaking))
    return NaiveSplit(n_test, float(np.mean(found)), example)


def _given(dataset: Dataset, grouping: Grouping) -> Iterator[Finding]:
    """Find groups that the dataset's own folders have on both sides."""
    sides: dict[str, set[str]] = {}
    for group, record in zip(grouping.groups, dataset.records, strict=True):
        sides.setdefault(group, set()).add(record.given or "train")
    leaking = {group for group, parts in sides.items() if len(parts) > 1}
    if leaking:
        files = tuple(
            record.name
            for group, record in zip(grouping.groups, dataset.records, strict=True)
            if group in leaking
        )
        yield Finding(
            "leakage",
            "error",
            Message(
                "The parts into which the folders are divided share {n} patients or copies of "
                "films, such as {example}. Results on such a test are too good: split by patient.",
                n=len(leaking),
                example=files[0],
            ),
            files,
            float(len(leaking)),
        )


def balance_findings(loaded: LoadedDataset, parts: Splits | DatasetError) -> Iterator[Finding]:
    """Say when a class is much rarer than another, or too small to be tested.

    Args:
        loaded: Films.
        parts: The split by patient, or why there is none.
    """
    yield from _untested(loaded, parts)
    counts = loaded.dataset.counts
    rarest, commonest = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    ratio = counts[commonest] / counts[rarest]
    if ratio >= NOTED_RATIO:
        yield Finding(
            "imbalance",
            "warning" if ratio >= WARNED_RATIO else "note",
            Message(
                "{commonest} has {ratio} times as many films as {rarest} ({most} to {least}). "
                "The recommended settings weigh the classes evenly; read sensitivity rather than "
                "accuracy.",
                commonest=commonest,
                ratio=f"{ratio:.1f}",
                rarest=rarest,
                most=counts[commonest],
                least=counts[rarest],
            ),
            (),
            ratio,
        )


def _untested(loaded: LoadedDataset, parts: Splits | DatasetError) -> Iterator[Finding]:
    """Name classes of which no film reaches the test of the split by patient."""
    if isinstance(parts, DatasetError):
        yield Finding("imbalance", "error", parts.message, ())
        return
    for name, message in unscored_classes(loaded.dataset, parts):
        label = loaded.dataset.classes.index(name)
        films = [record for record in loaded.dataset.records if record.label == label]
        yield Finding("untested_class", "warning", message, _names(films))
