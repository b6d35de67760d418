"""Findings tab: the kinds of findings, their sentences, their films and the fix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QWidget,
)

from app import theme as styling
from app.data.catalogue import FilmCatalogue
from app.data.films import class_words, colour_wall, count_words, severity_colours, show_rows
from app.data.viewmodel import DataViewModel
from app.i18n import listing, say, tr
from app.settings import Theme
from app.widgets.film_wall import SMALL_PX, FilmWall
from app.widgets.labels import plain_label, plain_tip
from app.widgets.layouts import h_box, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.signs import sign_icon
from app.widgets.tables import PlainTable
from app.wording import kind_name, severity_name, value_words
from core.audit.confounder import Confounder
from core.audit.findings import SEVERITIES, Finding, Kind, Severity
from core.audit.report import Report
from core.data.dataset import LoadedDataset
from core.models.dataset_findings import property_name

SIGN_PX = 20
ROW_PX = 46


@dataclass(frozen=True, slots=True)
class ListedKind:
    """One line of the list."""

    key: str
    severity: Severity
    title: str
    words: str  # a second line: severity and counts


class FindingList(QListWidget):
    """Lists kinds in the order given; one is always chosen."""

    chosen = Signal(str)  # key

    def __init__(self) -> None:
        super().__init__()
        self._signs: dict[str, QIcon] = {}
        self.setIconSize(QSize(SIGN_PX, SIGN_PX))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.currentItemChanged.connect(self._on_current_item_changed)

    @property
    def key(self) -> str:
        """The chosen key; empty where the list is."""
        item = self.currentItem()
        return item.data(Qt.ItemDataRole.UserRole) if item is not None else ""

    def show_kinds(self, kinds: Sequence[ListedKind]) -> None:
        """Replace the lines; the choice stays where its key does, else it is the first line."""
        wanted = self.key
        with QSignalBlocker(self):
            self.clear()
            for kind in kinds:
                item = QListWidgetItem(f"{kind.title}\n{kind.words}")
                item.setData(Qt.ItemDataRole.UserRole, kind.key)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{kind.title}, {kind.words}")
                item.setData(Qt.ItemDataRole.UserRole + 1, kind.severity)
                item.setToolTip(plain_tip(f"{kind.title}\n{kind.words}"))
                item.setIcon(self._signs.get(kind.severity, QIcon()))
                item.setSizeHint(QSize(0, max(ROW_PX, 2 * self.fontMetrics().lineSpacing() + 10)))
                self.addItem(item)
            keys = [kind.key for kind in kinds]
            if keys:
                self.setCurrentRow(keys.index(wanted) if wanted in keys else 0)
        if keys:
            self.chosen.emit(self.key)

    def show_colours(self, colours: Mapping[Severity, str], ground: str) -> None:
        """Take a theme's colours for the signs, one a severity, as #rrggbb."""
        self._signs = {
            severity: sign_icon(severity, colour, ground, SIGN_PX)
            for severity, colour in colours.items()
        }
        for item in (self.item(row) for row in range(self.count())):
            item.setIcon(self._signs[item.data(Qt.ItemDataRole.UserRole + 1)])

    @Slot()
    def _on_current_item_changed(self) -> None:
        if self.key:
            self.chosen.emit(self.key)


MAX_ROWS = 300  # every one is measured
MAX_HEIGHT_PX = 190  # unless somebody says otherwise
MIN_ROW_PX = 18
PAD_PX = 10  # between a sentence and the next


class SentenceTable(PlainTable):
    """No taller than its rows, and scrolls where there is less room.

    Args:
        stretched: The column of the sentences.
    """

    def __init__(self, stretched: int) -> None:
        super().__init__(stretched)
        self._max_height_px = MAX_HEIGHT_PX
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().setMinimumSectionSize(MIN_ROW_PX)
        self._measuring = QTimer(self)  # once, after all columns have their new width
        self._measuring.setSingleShot(True)
        self._measuring.setInterval(0)
        self._measuring.timeout.connect(self._measure)
        self.horizontalHeader().sectionResized.connect(self._measuring.start)

    def limit_height(self, max_height_px: int) -> None:
        """Be no taller than this, however many rows there are."""
        if max_height_px != self._max_height_px:
            self._max_height_px = max_height_px
            self._measuring.start()

    def show_sentences(
        self, rows: Sequence[Sequence[str]], numbers: Sequence[int] = (), n_more: int = 0
    ) -> None:
        """Replace all rows and say how many more there are than fit.

        Args:
            rows: One text a column; at most MAX_ROWS are shown.
            numbers: Columns that hold numbers.
            n_more: Rows that were not even handed over.
        """
        n_more += max(0, len(rows) - MAX_ROWS)
        shown = list(rows[:MAX_ROWS])
        if n_more:
            more = [""] * self.columnCount()
            more[0] = tr("and {n} more", n=f"{n_more:,}")
            shown.append(more)
        self.show_rows(shown, numbers)
        self._measure()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._measuring.start()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._measuring.start()

    @Slot()
    def _measure(self) -> None:
        # Not `resizeRowsToContents`: it minds the hidden header too, and a line gets too tall.
        for row in range(self.rowCount()):
            self.setRowHeight(row, self.sizeHintForRow(row) + PAD_PX)
        self.fit_height(self._max_height_px)
        self.setMaximumHeight(min(self.maximumHeight(), self._max_height_px))


class ConfounderView(TranslatedWidget):
    """Tables of the confounder: each class, and each property alone."""

    def __init__(self) -> None:
        super().__init__()
        self._confounder: Confounder | None = None
        self._class_names: Sequence[str] = ()
        self._classes = SentenceTable(0)
        self._properties = SentenceTable(0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self._classes, 1, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._properties, 1, Qt.AlignmentFlag.AlignTop)
        self.retranslate()

    def limit_height(self, max_height_px: int) -> None:
        """Be no taller than this."""
        self._classes.limit_height(max_height_px)
        self._properties.limit_height(max_height_px)

    def show_confounder(self, confounder: Confounder, class_names: Sequence[str]) -> None:
        """Fill the tables; `class_names` are the dataset's, by label."""
        self._confounder, self._class_names = confounder, class_names
        self.retranslate()

    def retranslate(self) -> None:
        self._classes.setAccessibleName(tr("How well each class is told without the lungs"))
        self._properties.setAccessibleName(tr("By which property"))
        self._classes.show_header([tr("Class"), tr("AUROC"), tr("Interval (95%)")])
        confounder = self._confounder
        if confounder is None:
            return
        self._classes.show_sentences(
            [
                (
                    class_words(self._class_names[one.label]),
                    f"{one.auroc:.3f}",
                    tr("{low} to {high}", low=f"{one.low:.3f}", high=f"{one.high:.3f}"),
                )
                for one in confounder.classes
            ],
            numbers=(1, 2),
        )
        worst = class_words(self._class_names[confounder.worst.label])
        self._properties.show_header([tr("{name} told by", name=worst), tr("AUROC")])
        self._properties.show_sentences(
            [(say(property_name(key)), f"{auroc:.3f}") for key, auroc in confounder.properties],
            numbers=(1,),
        )


LIST_PX = 250
TABLE_SHARE = 0.28  # of the height, so that films are seen below
TABLE_RANGE_PX = (92, 260)
_NO_FILMS = ("unreadable", "truncated", "not_an_image")
_ABOUT_PATIENTS = ("leakage", "patient_in_two_classes", "patients_unknown")


class FindingsView(TranslatedWidget):
    """At the left the kinds, at the right what was found of the chosen one."""

    patients_wanted = Signal()
    films_wanted = Signal(list)  # names
    film_opened = Signal(str)  # name

    def __init__(self, model: DataViewModel) -> None:
        super().__init__()
        self._model = model
        self._loaded: LoadedDataset | None = None  # what is shown
        self._report: Report | None = None
        self._has_failed = False
        self._catalogue: FilmCatalogue | None = None
        self._by_kind: dict[str, list[Finding]] = {}
        self._names: list[str] = []  # on the wall
        self._state = plain_label("muted", wraps=True)
        self._state.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._list = FindingList()
        self._list.setFixedWidth(LIST_PX)
        self._title, self._count = plain_label("sectionTitle"), plain_label("muted")
        self._sentences = SentenceTable(0)
        self._leave_out, self._keep_one = QPushButton(), QPushButton()
        self._merge = QPushButton()
        self._patients, self._show_films = QPushButton(), QPushButton()
        self._undo = QPushButton()
        self._confounder = ConfounderView()
        self._wall, self._reasons = FilmWall(), SentenceTable(1)
        self._wall.set_side_px(SMALL_PX)
        self._stack = QStackedWidget()
        self._lay_out()
        self._connect()
        self.retranslate()

    def _lay_out(self) -> None:
        head = h_box(self._title, (self._count, 1), spacing=12)
        actions = h_box(
            self._leave_out,
            self._keep_one,
            self._merge,
            self._patients,
            None,
            self._undo,
            self._show_films,
            spacing=8,
        )
        right = v_box(
            head,
            self._sentences,
            actions,
            self._confounder,
            self._reasons,
            (self._wall, 1),
            spacing=8,
        )
        self._rest = QWidget()  # where there is neither a film nor a reason
        right.addWidget(self._rest, 1)
        content = QWidget()
        h_box(self._list, (right, 1), owner=content, spacing=12)
        self._stack.addWidget(self._state)
        self._stack.addWidget(content)
        v_box(self._stack, owner=self, margins=(0, 12, 0, 0))

    def _connect(self) -> None:
        self._list.chosen.connect(self._on_list_chosen)
        self._sentences.itemSelectionChanged.connect(self._show_chosen)
        self._leave_out.clicked.connect(self._on_leave_out_clicked)
        self._keep_one.clicked.connect(self._on_keep_one_clicked)
        self._merge.clicked.connect(self._on_merge_clicked)
        self._undo.clicked.connect(self._model.undo)
        self._patients.clicked.connect(self.patients_wanted)
        self._show_films.clicked.connect(lambda: self.films_wanted.emit(list(self._names)))
        self._wall.film_opened.connect(lambda row: self.film_opened.emit(self._names[row]))
        for signal in (self._model.loaded, self._model.audited, self._model.changed):
            signal.connect(self._on_model_changed)

    def apply_theme(self, theme: Theme) -> None:
        """Give the signs the theme's colours."""
        colours = styling.colours(theme)
        self._list.show_colours(severity_colours(colours), colours["field"])
        colour_wall(self._wall, colours)

    def retranslate(self) -> None:
        self._keep_one.setToolTip(tr("The first of the copies stays, the others are left out."))
        self._undo.setText(tr("Undo"))
        self._patients.setText(tr("Patients …"))
        self._show_films.setText(tr("Show among all films"))
        self._list.setAccessibleName(tr("Kinds of findings"))
        self._sentences.setAccessibleName(tr("Findings"))
        self._wall.setAccessibleName(tr("Films"))
        self._reasons.show_header([tr("File"), tr("Why it was left out")])
        self._show_report()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        least, most = TABLE_RANGE_PX
        limit_px = max(least, min(most, round(TABLE_SHARE * self.height())))
        for part in (self._sentences, self._reasons, self._confounder):
            part.limit_height(limit_px)

    @Slot()
    def _on_model_changed(self) -> None:
        loaded, report = self._model.dataset, self._model.report
        has_failed = self._model.has_audit_failed
        is_new = loaded is not self._loaded or report is not self._report
        if not is_new and has_failed == self._has_failed:
            return
        if loaded is not self._loaded:
            self._catalogue = FilmCatalogue(loaded) if loaded is not None else None
        self._loaded, self._report, self._has_failed = loaded, report, has_failed
        self._show_report()

    def _show_report(self) -> None:
        """Say how far it is, or list the kinds, the worst first."""
        loaded, report = self._loaded, self._report
        self._by_kind = {}
        for finding in report.findings if report is not None else ():
            self._by_kind.setdefault(finding.kind, []).append(finding)
        self._stack.setCurrentIndex(1 if self._by_kind else 0)
        if loaded is None:
            self._state.setText(tr("Open a dataset to see what is wrong with it."))
        elif self._has_failed:
            self._state.setText(tr("The films could not be looked through; the log says why."))
        elif report is None:
            self._state.setText(tr("Looking through the films …"))
        else:
            self._state.setText(
                tr(
                    "Nothing suspicious was found in these {films}. Every film can be read, no "
                    "film is there twice, and the classes look alike apart from the lungs.",
                    films=count_words(len(loaded.dataset.records)),
                )
            )
        self._list.show_kinds([_listed(findings) for findings in self._by_kind.values()])

    @Slot(str)
    def _on_list_chosen(self, key: str) -> None:
        findings, kind = self._by_kind[key], self._by_kind[key][0].kind
        self._title.setText(say(kind_name(kind)))
        rows = [(say(one.message), _n_files(one), *_value(one)) for one in findings[:MAX_ROWS]]
        header = [tr("What was found"), tr("Files") if kind in _NO_FILMS else tr("Films")]
        value = value_words(kind)
        self._sentences.show_header([*header, say(value)] if value is not None else header)
        self._sentences.blockSignals(True)  # `_show_chosen` follows anyway
        self._sentences.show_sentences(rows, (1, 2), n_more=max(0, len(findings) - MAX_ROWS))
        self._sentences.clearSelection()
        self._sentences.blockSignals(False)
        self._show_chosen()

    def _chosen(self) -> list[Finding]:
        """Return the findings whose sentences are selected; all of the kind where none is."""
        findings = self._by_kind.get(self._list.key, [])
        selected = {index.row() for index in self._sentences.selectedIndexes()}
        # The last row may say only how many more there are.
        shown = findings[:MAX_ROWS]
        return [shown[row] for row in sorted(selected) if row < len(shown)] or findings

    @Slot()
    def _show_chosen(self) -> None:
        """Show the films of what is chosen, and what can be done about it."""
        loaded, report, catalogue = self._loaded, self._report, self._catalogue
        if loaded is None or report is None or catalogue is None or not self._by_kind:
            return
        chosen, findings = self._chosen(), self._by_kind[self._list.key]
        kind: Kind = findings[0].kind
        files = list(dict.fromkeys(name for one in chosen for name in one.files))
        rows = [catalogue.row_of[name] for name in files if name in catalogue.row_of]
        self._names = [catalogue.records[row].name for row in rows]
        show_rows(self._wall, catalogue, loaded.cache, rows, with_badges=False)
        wanted = set(files)
        reasons = [one for one in loaded.dataset.left_out if one.file in wanted]
        self._reasons.show_sentences(
            [(one.file, say(one.reason)) for one in reasons[: MAX_ROWS + 1]],
            n_more=max(0, len(reasons) - MAX_ROWS - 1),
        )
        has_confounder = kind == "confounder" and report.confounder is not None
        if has_confounder and report.confounder is not None:
            self._confounder.show_confounder(report.confounder, loaded.dataset.classes)
        self._confounder.setVisible(has_confounder)
        self._reasons.setVisible(bool(reasons))
        self._wall.setVisible(bool(rows))
        self._rest.setVisible(not rows)
        self._count.setText(_count(chosen, findings, len(files)))
        self._show_buttons(chosen, kind)

    def _show_buttons(self, chosen: list[Finding], kind: Kind) -> None:
        """Offer what helps against this kind, and nothing else."""
        n_left = len({name for one in chosen if one.fix == "leave_out" for name in one.files})
        n_copies = sum(len(one.files) - 1 for one in chosen if one.fix == "keep_one")
        self._leave_out.setVisible(bool(n_left))
        self._leave_out.setText(
            tr("Leave this film out")
            if n_left == 1
            else tr("Leave these {n} films out", n=f"{n_left:,}")
        )
        self._keep_one.setVisible(bool(n_copies))
        self._keep_one.setText(tr("Keep one of each ({films} less)", films=count_words(n_copies)))
        merged = [one.classes for one in chosen if one.fix == "merge"]
        self._merge.setVisible(bool(merged))
        self._merge.setText(
            tr("Merge into {name}", name=merged[0][0]).replace("&", "&&")
            if len(merged) == 1
            else tr("Merge these classes")
        )
        self._patients.setVisible(
            kind in _ABOUT_PATIENTS or any(one.fix == "regroup" for one in chosen)
        )
        one = self._model.current
        self._undo.setVisible(one is not None and one.can_undo)
        self._show_films.setVisible(bool(self._names))

    @Slot()
    def _on_leave_out_clicked(self) -> None:
        self._model.fix([one for one in self._chosen() if one.fix == "leave_out"])

    @Slot()
    def _on_keep_one_clicked(self) -> None:
        self._model.fix([one for one in self._chosen() if one.fix == "keep_one"])

    @Slot()
    def _on_merge_clicked(self) -> None:
        self._model.fix([one for one in self._chosen() if one.fix == "merge"])


def _listed(findings: list[Finding]) -> ListedKind:
    severity = min((one.severity for one in findings), key=SEVERITIES.index)
    n_films = len({name for one in findings for name in one.files})
    words = [say(severity_name(severity))]
    if n_films:
        words.append(_count_words(findings[0].kind, n_films))
    return ListedKind(findings[0].kind, severity, say(kind_name(findings[0].kind)), listing(words))


def _count(chosen: list[Finding], findings: list[Finding], n_films: int) -> str:
    """Say how much is shown, where that is not plain to see."""
    if len(findings) == 1:
        return ""
    if len(chosen) < len(findings):
        return tr(
            "{n} of {total} findings, {films}",
            n=f"{len(chosen):,}",
            total=f"{len(findings):,}",
            films=_count_words(findings[0].kind, n_films),
        )
    return tr(
        "{n} findings, {films}; choose some to see only theirs",
        n=f"{len(findings):,}",
        films=_count_words(findings[0].kind, n_films),
    )


def _count_words(kind: Kind, n: int) -> str:
    if kind not in _NO_FILMS:
        return count_words(n)
    return tr("1 file") if n == 1 else tr("{n} files", n=f"{n:,}")


def _n_files(finding: Finding) -> str:
    return f"{len(finding.files):,}" if finding.files else ""


def _value(finding: Finding) -> tuple[str, ...]:
    """Return the last cell of a row, where the kind has one."""
    if value_words(finding.kind) is None:
        return ()
    digits = 1 if finding.kind == "imbalance" else 3
    return (f"{finding.value:.{digits}f}" if finding.value is not None else "",)
