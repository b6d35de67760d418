"""Container of all view-models, for the window and its pages."""

from dataclasses import dataclass

from app.data.augmentation_viewmodel import AugmentationViewModel
from app.data.split_viewmodel import SplitViewModel
from app.data.viewmodel import DataViewModel
from app.evaluation.viewmodel import EvaluationViewModel
from app.help.viewmodel import HelpViewModel
from app.quiz.viewmodel import QuizViewModel
from app.reading.desk_viewmodel import DeskViewModel
from app.reading.export import ExportViewModel
from app.reading.viewmodel import ReadingViewModel
from app.runs.viewmodel import RunsViewModel
from app.training.viewmodel import TrainingViewModel
from app.training.weights_viewmodel import InitialWeightsViewModel


@dataclass(frozen=True, slots=True)
class ViewModels:
    """One for each page, and for the tabs of the Data page that have their own."""

    data: DataViewModel
    split: SplitViewModel
    augmentation: AugmentationViewModel
    training: TrainingViewModel
    weights: InitialWeightsViewModel
    evaluation: EvaluationViewModel
    reading: ReadingViewModel
    desk: DeskViewModel
    exports: ExportViewModel
    quiz: QuizViewModel
    runs: RunsViewModel
    help: HelpViewModel
