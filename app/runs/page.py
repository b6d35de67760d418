"""Runs: everything that was ever trained, its curves and figures, and what to do with it."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QWidget,
)

from app import theme as styling
from app.i18n import tr
from app.runs.comparison import RunComparison
from app.runs.table import NUMBER_COLUMNS, RunTable, run_row, titles
from app.runs.viewmodel import COLUMNS, RunsViewModel
from app.settings import Theme
from app.widgets.dialogs import ask, ask_where_to_save
from app.widgets.labels import plain_label
from app.widgets.layouts import h_box, v_box
from app.widgets.page import Page, TranslatedWidget, primary_button
from app.widgets.signs import Sign

FILTER_PX = 190


class RunActions(TranslatedWidget):
    """Enabled as the view-model allows."""

    rename_wanted = Signal()
    delete_wanted = Signal()

    def __init__(self, model: RunsViewModel) -> None:
        super().__init__()
        self._model = model
        self._open, self._again, self._resume = primary_button(), QPushButton(), QPushButton()
        self._rename, self._delete = QPushButton(), QPushButton()
        h_box(
            self._open,
            self._resume,
            self._again,
            None,
            self._rename,
            self._delete,
            owner=self,
            spacing=8,
        )
        self._open.clicked.connect(model.open_model)
        self._again.clicked.connect(model.train_again)
        self._resume.clicked.connect(model.resume)
        self._rename.clicked.connect(self.rename_wanted)
        self._delete.clicked.connect(self.delete_wanted)
        model.changed.connect(self.show_state)
        model.selected_changed.connect(self.show_state)
        self.retranslate()
        self.show_state()

    def retranslate(self) -> None:
        self._open.setText(tr("Open the model"))
        self._open.setToolTip(tr("Its best model, to read and evaluate films with"))
        self._again.setText(tr("Train again with these settings"))
        self._again.setToolTip(tr("Takes them over to the Train page; nothing starts yet"))
        self._resume.setText(tr("Resume"))
        self._resume.setToolTip(tr("Goes on with its training where it was"))
        self._rename.setText(tr("Rename"))
        self._rename.setToolTip(tr("Type a name in the table (F2); the folder stays as it is"))
        self._delete.setText(tr("Delete …"))
        self._delete.setToolTip(tr("Moves the chosen runs to the trash"))

    def show_state(self) -> None:
        """Enable what can be done now."""
        run = self._model.chosen
        self._open.setEnabled(run is not None and run.has_best)
        self._again.setEnabled(run is not None)
        self._resume.setEnabled(run is not None and run.can_resume)
        self._rename.setEnabled(self._model.can_rename)
        self._delete.setEnabled(self._model.can_delete)


class RunsPage(Page):
    """Binds the table, its buttons and the comparison to one view-model."""

    def __init__(self, model: RunsViewModel) -> None:
        super().__init__()
        self._model = model
        self._filter = QLineEdit()
        self._filter.setClearButtonEnabled(True)
        self._filter.setFixedWidth(FILTER_PX)
        self._refresh, self._export, self._add = QPushButton(), QPushButton(), QPushButton()
        self.add_to_head(self._filter, self._refresh, self._export, self._add)
        self._state = plain_label("muted", wraps=True)
        self._state.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._table, self._actions = RunTable(), RunActions(model)
        self._comparison = RunComparison(model)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._state)
        self._stack.addWidget(self._build_lists())
        self.body.addWidget(self._stack, 1)
        self._add_keys()
        self._connect()
        self.retranslate()

    def _build_lists(self) -> QWidget:
        top = QWidget()
        v_box((self._table, 1), self._actions, owner=top, spacing=8)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(top)
        split.addWidget(self._comparison)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        split.setChildrenCollapsible(False)
        split.setSizes([1000, 1000])  # of any height, half each
        return split

    def _add_keys(self) -> None:
        for key, act in (
            (QKeySequence("Ctrl+F"), self._filter.setFocus),
            (QKeySequence("F5"), self._model.refresh),
        ):
            action = QAction(self)
            action.setShortcut(key)
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(lambda _checked=False, act=act: act())
            self.addAction(action)

    def _connect(self) -> None:
        model, table = self._model, self._table
        self._filter.textChanged.connect(model.set_filter)
        self._refresh.clicked.connect(model.refresh)
        self._export.clicked.connect(self._on_export_clicked)
        self._add.clicked.connect(self._on_add_clicked)
        table.selected.connect(lambda keys: model.select([Path(key) for key in keys]))
        table.order_chosen.connect(self._on_table_order_chosen)
        table.renamed.connect(lambda key, name: model.rename(Path(key), name))
        table.opened.connect(model.open_model)
        table.delete_pressed.connect(self._on_delete_wanted)
        self._actions.rename_wanted.connect(table.edit_name)
        self._actions.delete_wanted.connect(self._on_delete_wanted)
        model.changed.connect(self._on_model_changed)

    def apply_theme(self, theme: Theme) -> None:
        colours = styling.colours(theme)
        signs: dict[Sign, str] = {
            "tick": colours["good"],
            "play": colours["accent"],
            "pause": colours["text"],
            "stop": colours["muted"],
            "warning": colours["warning"],
            "error": colours["danger"],
        }
        self._table.show_colours(colours["validation"], signs, colours["field"])
        self._comparison.apply_theme(theme)

    def retranslate(self) -> None:
        self.title.setText(tr("Runs"))
        self._filter.setPlaceholderText(tr("Filter"))
        self._filter.setAccessibleName(tr("Filter the runs"))
        self._filter.setToolTip(
            tr("Shows runs in whose name, status, dataset or network these words occur (Ctrl+F)")
        )
        self._refresh.setText(tr("Refresh"))
        self._refresh.setToolTip(tr("Reads the folders anew (F5)"))
        self._export.setText(tr("Export CSV …"))
        self._export.setToolTip(tr("Saves the listed runs with all their settings as a table"))
        self._add.setText(tr("Add runs of another folder …"))
        self._add.setToolTip(
            tr("Lists the runs in a folder of your choice too, of another computer for instance")
        )
        self._table.setAccessibleName(tr("Runs"))
        self._table.show_titles(titles(), NUMBER_COLUMNS)
        self._on_model_changed()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():  # not when a minimised window comes back
            self._model.refresh()

    @Slot()
    def _on_model_changed(self) -> None:
        model = self._model
        self._table.show_rows([run_row(run) for run in model.shown])
        self._table.show_order(1 + COLUMNS.index(model.column), is_descending=model.is_descending)
        self._stack.setCurrentIndex(1 if model.n_runs else 0)
        self._export.setEnabled(bool(model.shown))
        self._filter.setEnabled(bool(model.n_runs))
        if model.n_runs:
            self.subtitle.setText(
                tr("{shown} of {n}", shown=f"{len(model.shown):,}", n=f"{model.n_runs:,}")
                if len(model.shown) < model.n_runs
                else f"{model.n_runs:,}"
            )
        else:
            self.subtitle.setText("")
        self._state.setText(
            tr("Reading the runs …")
            if model.is_busy
            else tr(
                "No runs yet. Train a network on the Train page, and its run is listed here with "
                "its curves. Runs of another computer can be added with the button above."
            )
        )

    @Slot(int, bool)
    def _on_table_order_chosen(self, column: int, is_descending: bool) -> None:
        if column > 0:
            self._model.sort_by(COLUMNS[column - 1], is_descending=is_descending)
        else:  # curves have no order
            self._on_model_changed()

    @Slot()
    def _on_delete_wanted(self) -> None:
        runs = self._model.selected
        if not self._model.can_delete:
            return
        ask(
            self,
            tr("Move the run {name} to the trash?", name=runs[0].name)
            if len(runs) == 1
            else tr("Move {n} runs to the trash?", n=len(runs)),
            tr(
                "The whole folder goes there, with its models. You can take it back from the trash."
            ),
            yes=tr("Move to the trash"),
            no=tr("Keep"),
            on_yes=self._model.delete,
        )

    @Slot()
    def _on_export_clicked(self) -> None:
        kind = tr("Tables") + " (*.csv)"
        ask_where_to_save(self, tr("Save the table of runs"), kind, "runs.csv", self._model.export)

    @Slot()
    def _on_add_clicked(self) -> None:
        dialog = QFileDialog(self, tr("Choose a folder with runs"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self._model.add_folder(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
