"""Sentences about an evaluation that its own data can fill in: for methods and checklists."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.errors import Message
from core.evaluation.evaluate import ModelEvaluation
from core.evaluation.repeated import SplitBias
from core.evaluation.statements import Statements
from core.evaluation.study import Study
from core.report.checklists import STATEMENTS
from core.report.study_facts import FIGURE_NAMES, PART_NAMES, property_name, property_value

Say = Callable[[Message], str]
NOT_STATED = Message("not stated")
UNKNOWN_PATIENTS = Message("Nothing tells whose the X-rays are: each counted as a patient.")
_TEST_PART = Message("the model's test part")
_ALL = Message("all of them, those of training included where it has some")
_EXACT = Message("exact")
_CLUSTERED = Message("clustered by patient")


def split_words(found: SplitBias) -> Message:
    """Say what a split by image makes of the accuracy."""
    mean, (low, high) = found.difference
    n_test = sum(pair.n_test for pair in found.pairs)
    return Message(
        "Split by image instead of by patient, accuracy changed by {mean} points on average "
        "({low} to {high}, {n} paired repeats); {share} of the test X-rays then had a patient who "
        "was trained on.",
        mean=f"{100 * mean:+.1f}",
        low=f"{100 * low:+.1f}",
        high=f"{100 * high:+.1f}",
        n=len(found.pairs),
        share=f"{sum(pair.n_leaking for pair in found.pairs) / n_test:.0%}",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """An evaluation, and what people stated about its dataset.

    Args:
        evaluated: The evaluation.
        study: Its figures.
        statements: What only people know.
        say: The language.
    """

    evaluated: ModelEvaluation
    study: Study
    statements: Statements
    say: Say

    def answer(self, key: str) -> str:
        """Return what is known for a checklist's item; "" where nobody stated it."""
        if key in STATEMENTS:
            return str(getattr(self.statements, key))
        if key in ("ask", "none"):
            return ""
        return " ".join(self.say(sentence) for sentence in self._sentences(key))

    def methods(self) -> list[str]:
        """Return the paragraphs of a methods section."""
        groups = (
            ("data", "missing", "split", "disjoint", "imbalance"),
            ("preprocessing", "model", "initial", "training", "best", "software"),
            ("threshold", "measures", "intervals", "calibration", "doubt", "subgroups"),
            ("comparison", "luck", "size", "leakage"),
        )
        paragraphs = (" ".join(filter(None, map(self.answer, group))) for group in groups)
        return [paragraph for paragraph in paragraphs if paragraph]

    def _sentences(self, key: str) -> Iterator[Message]:
        found = getattr(self, f"_{key}", None)
        if found is not None:
            yield from found()

    def _data(self) -> Iterator[Message]:
        dataset = self.evaluated.loaded.dataset
        yield Message(
            "The dataset {name} holds {n} X-rays of {patients} patients in {classes} classes "
            "(SHA-256 {fingerprint}).",
            name=dataset.name,
            n=len(dataset.records),
            patients=self.evaluated.loaded.grouping.n_patients,
            classes=len(dataset.classes),
            fingerprint=dataset.fingerprint[:16],
        )
        if not self.study.are_patients_known:
            yield UNKNOWN_PATIENTS

    def _missing(self) -> Iterator[Message]:
        flow = self.study.flow
        yield Message(
            "{refused} files could not be read and were left out; {left_out} X-rays were left out "
            "by hand; no value was filled in.",
            refused=flow.n_refused,
            left_out=flow.n_left_out,
        )

    def _split(self) -> Iterator[Message]:
        card = self.evaluated.card
        config = card.training
        yield Message(
            "The X-rays were divided into training ({train}), validation ({validation}) and test "
            "({test}) by the scheme {scheme}, seed {seed}.",
            train=len(card.split["train"]),
            validation=len(card.split["validation"]),
            test=len(card.split["test"]),
            scheme=config.split,
            seed=config.seed,
        )

    def _disjoint(self) -> Iterator[Message]:
        findings = self.evaluated.card.findings
        if findings is None:
            yield Message("The model file does not say whether the parts share patients.")
        elif not findings.has_patients:
            yield Message("Parts share no image; whether they share patients is not known.")
        elif findings.n_leaking:
            yield Message(
                "Of {n} of {n_test} test X-rays, training has a copy or the same patient.",
                n=findings.n_leaking,
                n_test=findings.n_test,
            )
        else:
            yield Message("Parts share no patient and no copy of an image.")

    def _imbalance(self) -> Iterator[Message]:
        balance = self.evaluated.card.training.class_balance
        if balance == "none":
            yield Message("Nothing was done about unequal classes.")
        else:
            yield Message(
                "Classes were balanced in training ({how}); the probabilities were corrected for "
                "it by their prior.",
                how=balance,
            )

    def _preprocessing(self) -> Iterator[Message]:
        prepared = self.evaluated.card.preprocessing
        yield Message(
            "Images were brought to 8 bits by the window of their file, stretched to {side} x "
            "{side} pixels (Lanczos) and standardised.",
            side=prepared.image_size,
        )

    def _crop(self) -> Iterator[Message]:
        yield Message("Whole images were used, without crops.")

    def _model(self) -> Iterator[Message]:
        card = self.evaluated.card
        yield Message(
            "{network} (He et al., CVPR 2016) with {n} outputs; input {side} x {side} pixels, "
            "output stride {stride}.",
            network=card.architecture.replace("resnet", "ResNet-"),
            n=len(card.classes),
            side=card.preprocessing.image_size,
            stride=card.training.output_stride,
        )

    def _software(self) -> Iterator[Message]:
        versions = self.evaluated.card.versions
        yield Message(
            "PneumoScope {version}, PaddlePaddle {paddle}, Python {python}; model file {file}.",
            version=versions["pneumoscope"],
            paddle=versions["paddle"],
            python=versions["python"],
            file=self.evaluated.model.name,
        )

    def _initial(self) -> Iterator[Message]:
        name = self.evaluated.card.training.initial_weights
        if name:
            yield Message("Training began with the weights {name}.", name=name)
        else:
            yield Message("Training began with random weights (He initialisation).")

    def _training(self) -> Iterator[Message]:
        config = self.evaluated.card.training
        yield Message(
            "Training took {epochs} epochs with {optimiser}, learning rate {rate} ({schedule}), "
            "batches of {batch}, label smoothing {smoothing}; augmentation with probability "
            "{probability}. One model was trained.",
            epochs=self.evaluated.card.history["epochs"],
            optimiser=config.optimiser,
            rate=config.learning_rate,
            schedule=config.schedule,
            batch=config.batch_size,
            smoothing=config.label_smoothing,
            probability=config.augmentation.probability,
        )

    def _best(self) -> Iterator[Message]:
        yield Message(
            "The weights of epoch {epoch} were kept, chosen on the validation part.",
            epoch=self.evaluated.card.history["best_epoch"],
        )

    def _ensemble(self) -> Iterator[Message]:
        yield Message("No ensemble was used.")

    def _measures(self) -> Iterator[Message]:
        yield Message(
            "Primary: sensitivity, specificity and AUROC of each class against the rest, and "
            "balanced accuracy. Secondary: PPV, NPV, F1, accuracy, average precision, log loss, "
            "Brier score."
        )

    def _intervals(self) -> Iterator[Message]:
        yield Message(
            "Intervals (95%) with the patient as unit: shares by Wilson with a design effect, "
            "AUROC by DeLong or Obuchowski on the logit scale, the others by bias-corrected "
            "bootstrap over patients where every class has 20 patients and 5 errors."
        )

    def _comparison(self) -> Iterator[Message]:
        found = self.study.comparison
        if found is None:
            return
        first = found.models[0].right
        yield Message(
            "{n} models answered the same {images} X-rays of {patients} patients; {left_out} "
            "X-rays of patients that one of them was trained or chosen on were left out. Each two "
            "were compared by McNemar's test ({method}), p-values corrected for all pairs (Holm).",
            n=len(found.models),
            images=first.n,
            patients=first.n_patients,
            left_out=found.n_left_out,
            method=_EXACT if first.n == first.n_patients else _CLUSTERED,
        )

    def _luck(self) -> Iterator[Message]:
        spread = self.study.spread
        if spread is not None:
            yield Message(
                "{models} models were trained that differ in their seed alone; they disagreed on "
                "{k} of {n} test X-rays.",
                models=len(spread.repeats),
                k=len(spread.by_luck),
                n=spread.n_shared,
            )

    def _size(self) -> Iterator[Message]:
        learning = self.study.learning
        if learning is not None:
            yield Message(
                "A learning curve was taken with {patients} training patients, tested on the same "
                "X-rays.",
                patients=", ".join(str(one.n_train_patients) for one in learning.repeats),
            )

    def _leakage(self) -> Iterator[Message]:
        if self.study.splits is not None:
            yield split_words(self.study.splits)

    def _subgroups(self) -> Iterator[Message]:
        groups = self.study.subgroups
        if not groups:
            yield Message("No property of the patients is known by which they could be divided.")
            return
        for one in groups:
            accuracy = one.figures[0]
            if accuracy.value is None or accuracy.interval is None:
                continue
            yield Message(
                "{name} {value}: {n} X-rays of {patients} patients, accuracy {accuracy} ({low} to "
                "{high}).",
                name=property_name(one),
                value=property_value(one),
                n=one.n,
                patients=one.n_patients,
                accuracy=f"{accuracy.value:.2f}",
                low=f"{accuracy.interval[0]:.2f}",
                high=f"{accuracy.interval[1]:.2f}",
            )

    def _explanation(self) -> Iterator[Message]:
        yield Message(
            "Heat maps by occlusion, each checked against random weights and the lungs; maps that "
            "fail are held back."
        )
        if self.study.lungs is not None:
            yield self.study.lungs.summary

    def _internal(self) -> Iterator[Message]:
        if self.evaluated.external is None:
            yield Message(
                "Tested on {n} X-rays of {name}: {part}.",
                n=self.evaluated.result.n,
                name=self.evaluated.loaded.dataset.name,
                part=_TEST_PART if self.evaluated.part == "test" else _ALL,
            )

    def _external(self) -> Iterator[Message]:
        external = self.evaluated.external
        if external is None:
            yield Message("These X-rays come from the sources of training: no external test.")
        else:
            yield external.words()

    def _flow(self) -> Iterator[Message]:
        flow = self.study.flow
        yield Message(
            "{found} files found, {refused} refused, {left_out} left out, {used} evaluated; see "
            "the flow diagram.",
            found=flow.n_found,
            refused=flow.n_refused,
            left_out=flow.n_left_out,
            used=flow.n_used,
        )

    def _traits(self) -> Iterator[Message]:
        for part in dict.fromkeys(one.part for one in self.study.flow.parts):
            counts = [one for one in self.study.flow.parts if one.part == part]
            yield Message(
                "{part}: {counts}.",
                part=PART_NAMES[part],
                counts=", ".join(f"{one.name} {one.n} ({one.n_patients})" for one in counts),
            )

    def _figures(self) -> Iterator[Message]:
        for one in self.study.figures:
            if one.name not in ("sensitivity", "specificity", "auroc", "balanced_accuracy"):
                continue
            if one.value is None:
                continue
            name = "" if one.label is None else self.study.classes[one.label]
            title = FIGURE_NAMES[one.name]
            low, high = one.interval or (None, None)
            if low is None or high is None:
                yield Message(
                    "{figure} {name} {value}.", figure=title, name=name, value=f"{one.value:.3f}"
                )
                continue
            yield Message(
                "{figure} {name} {value} ({low} to {high}).",
                figure=title,
                name=name,
                value=f"{one.value:.3f}",
                low=f"{low:.3f}",
                high=f"{high:.3f}",
            )

    def _confusion(self) -> Iterator[Message]:
        yield Message("See the confusion matrix.")

    def _failures(self) -> Iterator[Message]:
        wrong = sum(one.predicted != one.truth for one in self.study.answers)
        yield Message(
            "{wrong} of {n} answers were wrong; the most confident are listed with the nearest "
            "training X-rays.",
            wrong=wrong,
            n=len(self.study.answers),
        )

    def _limits(self) -> Iterator[Message]:
        yield from self.evaluated.warnings
        yield Message("Research and teaching only, never diagnosis.")

    def _audit(self) -> Iterator[Message]:
        findings = self.evaluated.card.findings
        if findings is not None and (findings.told_apart or findings.single_source):
            yield from findings.warnings()
        else:
            yield Message("No property was found by which classes could be told without the lungs.")

    def _threshold(self) -> Iterator[Message]:
        limits = self.study.operating_point.thresholds
        if len(set(limits.values())) == 1:
            yield Message("The answer is the most probable class.")
        else:
            yield Message(
                "The answer is the class of the largest probability over its threshold, set on "
                "{n} validation X-rays: {limits}.",
                n=self.study.operating_point.n,
                limits=", ".join(f"{name} {value:.3f}" for name, value in limits.items()),
            )

    def _doubt(self) -> Iterator[Message]:
        doubt = self.study.doubt
        if doubt.accuracy is None or doubt.accuracy_of_sure is None:
            return
        yield Message(
            "{sure} of {n} answers named one class alone; accuracy was {accuracy} over all and "
            "{sure_accuracy} over these.",
            sure=doubt.n_sure,
            n=doubt.n,
            accuracy=f"{doubt.accuracy:.3f}",
            sure_accuracy=f"{doubt.accuracy_of_sure:.3f}",
        )

    def _calibration(self) -> Iterator[Message]:
        calibration = self.evaluated.classifier.calibration
        if calibration is None:
            yield Message("The probabilities were not corrected.")
            return
        yield Message(
            "Probabilities were corrected by one temperature ({temperature}) fitted on {n} "
            "validation X-rays; expected calibration error on these X-rays {before} before and "
            "{after} after.",
            temperature=f"{calibration.temperature:.2f}",
            n=calibration.n,
            before=f"{self.study.ece[0]:.3f}",
            after=f"{self.study.ece[1]:.3f}",
        )

    def _blinded_index(self) -> Iterator[Message]:
        yield Message("The model answered without knowing the true classes.")
