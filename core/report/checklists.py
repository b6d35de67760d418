"""Reporting guidelines: which item a fact of the evaluation answers, and what only people know.

Topics are in our own words; the guidelines themselves say more: CLAIM 2024 (Tejani et al.,
Radiology: Artificial Intelligence 2024), STARD-AI (Nature Medicine 2025), TRIPOD+AI (Collins et
al., BMJ 2024).
"""

from dataclasses import dataclass
from typing import Final

from core.errors import Message


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a guideline."""

    number: str
    topic: Message
    key: str  # of the fact that answers it; "ask": for the authors' text alone


CLAIM: Final = (
    Item(
        "1",
        Message("Title or abstract says that the study uses machine learning, and which kind"),
        "ask",
    ),
    Item("2", Message("Structured abstract: design, methods, results, conclusions"), "ask"),
    Item("3", Message("Clinical background and the intended role of the method"), "intended_use"),
    Item("4", Message("Aims and hypotheses of the study"), "ask"),
    Item("5", Message("Prospective or retrospective design"), "design"),
    Item("6", Message("Goal of the study, such as building or testing a model"), "ask"),
    Item("7", Message("Sources of the data"), "data"),
    Item(
        "8",
        Message("Inclusion and exclusion criteria: where, when and how patients were found"),
        "recruitment",
    ),
    Item("9", Message("Preparation of the images"), "preprocessing"),
    Item("10", Message("Choice of parts of the images, such as crops"), "crop"),
    Item("11", Message("How identities were removed"), "ethics"),
    Item("12", Message("How missing and unreadable data were handled"), "missing"),
    Item("13", Message("How the images were acquired"), "acquisition"),
    Item("14", Message("Definition of the reference standard"), "reference_standard"),
    Item("15", Message("Why this reference standard was chosen"), "reference_standard"),
    Item("16", Message("Who made the annotations, and their qualification"), "annotators"),
    Item("17", Message("How test images were annotated"), "annotators"),
    Item("18", Message("Agreement between and within annotators"), "annotators"),
    Item("19", Message("How the data were divided into parts"), "split"),
    Item(
        "20",
        Message("Level at which the parts share nothing (image, patient, hospital)"),
        "disjoint",
    ),
    Item("21", Message("Intended sample size and how it was set"), "sample_size"),
    Item("22", Message("Description of the model: inputs, outputs, layers"), "model"),
    Item("23", Message("Software, versions and hardware"), "software"),
    Item("24", Message("Initial values of the weights"), "initial"),
    Item("25", Message("Training: augmentation, settings, number of models"), "training"),
    Item("26", Message("How the final model was chosen"), "best"),
    Item("27", Message("Ensembles, if any"), "ensemble"),
    Item("28", Message("Measures of performance and why"), "measures"),
    Item("29", Message("Measures of uncertainty"), "intervals"),
    Item("30", Message("Robustness and sensitivity analyses"), "subgroups"),
    Item("31", Message("Methods of explanation and how they were tested"), "explanation"),
    Item("32", Message("Test on internal data"), "internal"),
    Item("33", Message("Test on data from elsewhere"), "external"),
    Item("34", Message("Registration of a clinical trial"), "registration"),
    Item("35", Message("Patients included and left out, as a flow diagram"), "flow"),
    Item("36", Message("Traits of the patients in each part"), "traits"),
    Item("37", Message("Performance on all parts and against the reference"), "figures"),
    Item("38", Message("Accuracy with its interval"), "figures"),
    Item("39", Message("Analysis of wrong answers"), "failures"),
    Item("40", Message("Limitations: bias, uncertainty, how far it applies"), "limits"),
    Item("41", Message("What it means for practice"), "ask"),
    Item("42", Message("Where the full protocol can be read"), "registration"),
    Item("43", Message("Where code, model and data can be had"), "sharing"),
    Item("44", Message("Funding and the funders' role"), "funding"),
)

STARD_AI: Final = (
    Item(
        "1", Message("Title says that diagnostic accuracy is studied, with a measure of it"), "ask"
    ),
    Item("2", Message("Structured abstract"), "ask"),
    Item("3", Message("Background and the intended use of the test"), "intended_use"),
    Item("4", Message("Aims and hypotheses"), "ask"),
    Item("5", Message("Data collected before or after the test was planned"), "design"),
    Item("6", Message("Who could take part"), "recruitment"),
    Item("7", Message("How participants were found"), "recruitment"),
    Item("8", Message("Where and when"), "recruitment"),
    Item("9", Message("Consecutive, random or convenience series"), "recruitment"),
    Item("10a", Message("The index test, in enough detail to repeat it"), "model"),
    Item("10b", Message("The reference standard, likewise"), "reference_standard"),
    Item("11", Message("Why this reference standard"), "reference_standard"),
    Item("12a", Message("Thresholds of the index test and how they were set"), "threshold"),
    Item("12b", Message("Thresholds of the reference standard"), "reference_standard"),
    Item("13a", Message("Whether readers of the index test knew the reference"), "blinded_index"),
    Item("13b", Message("Whether assessors of the reference knew the index test"), "annotators"),
    Item("14", Message("How accuracy was estimated and compared"), "measures"),
    Item("15", Message("How answers that are not sure were handled"), "doubt"),
    Item("16", Message("How missing data were handled"), "missing"),
    Item("17", Message("Analyses of variability and subgroups"), "subgroups"),
    Item("18", Message("Intended sample size"), "sample_size"),
    Item("19", Message("Flow of participants"), "flow"),
    Item("20", Message("Traits of the participants"), "traits"),
    Item("21a", Message("Severity of disease in those with it"), "ask"),
    Item("21b", Message("Other diagnoses in those without it"), "ask"),
    Item("22", Message("Time between index test and reference"), "reference_standard"),
    Item("23", Message("Index test against reference in a table"), "confusion"),
    Item("24", Message("Accuracy with intervals"), "figures"),
    Item("25", Message("Harm from either test"), "harm"),
    Item("26", Message("Limitations"), "limits"),
    Item("27", Message("What it means for practice"), "ask"),
    Item("28", Message("Registration"), "registration"),
    Item("29", Message("Where the protocol can be read"), "registration"),
    Item("30", Message("Funding"), "funding"),
    Item("AI", Message("Where the data come from, how they were prepared and divided"), "split"),
    Item("AI", Message("Who labelled the data and how"), "annotators"),
    Item("AI", Message("Version of the model and where it was tested"), "software"),
    Item("AI", Message("Differences between training data and test data"), "audit"),
    Item("AI", Message("Bias and fairness between groups of patients"), "subgroups"),
    Item("AI", Message("Analysis of errors"), "failures"),
    Item("AI", Message("Test on data from elsewhere"), "external"),
    Item("AI", Message("Where code, model and data can be had"), "sharing"),
)

TRIPOD_AI: Final = (
    Item(
        "1",
        Message("Title: a prediction model is developed or tested, for whom, and of what"),
        "ask",
    ),
    Item("2", Message("Abstract"), "ask"),
    Item("3a", Message("Medical context and why the model is needed"), "intended_use"),
    Item("3b", Message("For whom and for what it is meant"), "intended_use"),
    Item("3c", Message("Known health inequalities between groups"), "ask"),
    Item("4", Message("Aims: development, testing or both"), "ask"),
    Item("5a", Message("Sources of the data for development and testing"), "data"),
    Item("5b", Message("Dates of the data"), "recruitment"),
    Item("6a", Message("Setting"), "recruitment"),
    Item("6b", Message("Who could take part"), "recruitment"),
    Item("6c", Message("Treatments received"), "recruitment"),
    Item("7", Message("Preparation of the data"), "preprocessing"),
    Item("8a", Message("The outcome and how it was assessed"), "reference_standard"),
    Item("8b", Message("Qualification of the assessors"), "annotators"),
    Item("8c", Message("Whether assessors were blinded"), "annotators"),
    Item("9a", Message("Choice of the predictors"), "crop"),
    Item("9b", Message("Definition of the predictors: the image"), "preprocessing"),
    Item("9c", Message("Who assessed predictors that need judgement"), "none"),
    Item("10", Message("How the sample size was set"), "sample_size"),
    Item("11", Message("Missing data"), "missing"),
    Item("12a", Message("How the data were used for development and testing"), "split"),
    Item("12b", Message("Handling of predictors"), "preprocessing"),
    Item("12c", Message("Type of model, its building and internal validation"), "training"),
    Item("12d", Message("Differences between clusters such as hospitals"), "audit"),
    Item("12e", Message("Measures of performance"), "measures"),
    Item("12f", Message("Updating of the model, such as recalibration"), "calibration"),
    Item("12g", Message("How predictions were computed"), "model"),
    Item("13", Message("Class imbalance: what was done, and recalibration"), "imbalance"),
    Item("14", Message("How fairness was looked at"), "subgroups"),
    Item("15", Message("What the model gives: probabilities and classes"), "threshold"),
    Item("16", Message("Differences between development and test data"), "audit"),
    Item("17", Message("Ethics"), "ethics"),
    Item("18a", Message("Funding"), "funding"),
    Item("18b", Message("Conflicts of interest"), "funding"),
    Item("18c", Message("Protocol"), "registration"),
    Item("18d", Message("Registration"), "registration"),
    Item("18e", Message("Data sharing"), "sharing"),
    Item("18f", Message("Code sharing"), "sharing"),
    Item("19", Message("Involvement of patients and the public"), "public"),
    Item("20a", Message("Flow of participants"), "flow"),
    Item("20b", Message("Traits of the participants"), "traits"),
    Item("20c", Message("Comparison of development and test data"), "audit"),
    Item("21", Message("Participants and events in each analysis"), "flow"),
    Item("22", Message("The full model, so that others can use it"), "sharing"),
    Item("23a", Message("Performance with intervals"), "figures"),
    Item("23b", Message("Differences of performance between clusters"), "subgroups"),
    Item("24", Message("Results of updating"), "calibration"),
    Item("25", Message("Interpretation, also of fairness"), "ask"),
    Item("26", Message("Limitations"), "limits"),
    Item("27a", Message("How poor or missing inputs are handled when it is used"), "missing"),
    Item("27b", Message("What users must do and know"), "intended_use"),
    Item("27c", Message("What to study next"), "ask"),
)

GUIDELINES: Final = (
    ("CLAIM 2024", CLAIM),
    ("STARD-AI 2025", STARD_AI),
    ("TRIPOD+AI 2024", TRIPOD_AI),
)

# What only people know: asked once and kept with the dataset.
STATEMENTS: Final[dict[str, Message]] = {
    "intended_use": Message("Intended use: for whom, where, and for what decision"),
    "design": Message("Prospective or retrospective"),
    "recruitment": Message("Patients: where, when and how they were found, who was left out"),
    "reference_standard": Message("Reference standard: how the true class was found, and why so"),
    "annotators": Message("Annotators: who, how qualified, what they knew, how they agreed"),
    "acquisition": Message("Acquisition: machines, views, settings"),
    "ethics": Message("Ethics approval, consent, removal of identities"),
    "sample_size": Message("Intended sample size and how it was set"),
    "registration": Message("Registration and protocol"),
    "sharing": Message("Sharing of data, model and code"),
    "funding": Message("Funding and conflicts of interest"),
    "harm": Message("Harm from the tests"),
    "public": Message("Involvement of patients and the public"),
}
