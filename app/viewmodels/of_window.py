"""All that the pages of the window show."""

from dataclasses import dataclass

from app.viewmodels.augmentation import AugmentationViewModel
from app.viewmodels.data import DataViewModel
from app.viewmodels.desk import DeskViewModel
from app.viewmodels.evaluation import EvaluationViewModel
from app.viewmodels.initial_weights import InitialWeightsViewModel
from app.viewmodels.quiz import QuizViewModel
from app.viewmodels.reading import ReadingViewModel
from app.viewmodels.runs import RunsViewModel
from app.viewmodels.split import SplitViewModel
from app.viewmodels.taking_away import TakingAwayViewModel
from app.viewmodels.training import TrainingViewModel


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
    taking: TakingAwayViewModel
    quiz: QuizViewModel
    runs: RunsViewModel
