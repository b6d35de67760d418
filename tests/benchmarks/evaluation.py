"""Figures of an evaluation: their time, the coverage of intervals, and five computed by others.

Three parts: all figures and curves of many images on one core; how often intervals hold the truth
for clustered images; and five figures computed anew from their definitions, by scikit-learn and
scipy alone.
"""

import argparse
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn import metrics
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.evaluation.comparison import mcnemar, plan, subgroups
from core.evaluation.curves import calibration_curve, doubt, net_benefit, precision_recall, roc
from core.evaluation.decision import predictive_values, rates_of
from core.evaluation.figures import Answered, figures
from core.evaluation.intervals import (
    area_under_curve,
    bootstrap_interval,
    clustered_share,
    per_patient,
)


def main() -> None:
    """Run the three parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--patients", type=int, default=4_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--draws", type=int, default=2_000, help="of each coverage")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    with threadpool_limits(1):
        _time(arguments.images, arguments.patients, arguments.classes)
        _by_others()
        _coverage(arguments.draws)


def _answers(n: int, n_patients: int, c: int, seed: int = 0) -> Answered:
    random = np.random.default_rng(seed)
    patients = np.sort(random.integers(0, n_patients, n))
    truth = random.integers(0, c, n_patients)[patients]
    own = random.normal(0, 0.7, (n_patients, c))[patients]
    logits = own + random.normal(0, 0.7, (n, c)) + 1.8 * np.eye(c)[truth]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Answered(shares, shares.argmax(axis=1), truth, patients)


def _time(n: int, n_patients: int, c: int) -> None:
    answered = _answers(n, n_patients, c)
    print(f"{n} images, {n_patients} patients, {c} classes, one core")
    begun = time.perf_counter()

    def lap(what: str, started: float) -> float:
        now = time.perf_counter()
        print(f"  {what:46}{now - started:8.2f} s")
        return now

    found = list(figures(answered))
    now = lap(f"{len(found)} figures with intervals", begun)
    labels = range(c)
    for label in labels:
        roc(answered, label)
        precision_recall(answered, label)
    now = lap("ROC and precision-recall curves", now)
    for _ in ("before", "after"):
        for label in labels:
            calibration_curve(answered, label)
    now = lap("calibration before and after correction", now)
    doubt(answered, answered.probabilities > 0.2)
    for label in labels:
        net_benefit(answered, label)
        plan(answered, label)
    now = lap("doubt, net benefit, planner", now)
    rates, numbers = rates_of(answered)
    predictive_values(rates, numbers, np.full(c, 1 / c))
    now = lap("PPV and NPV at another prevalence", now)
    random = np.random.default_rng(1)
    names = {key: list(random.choice(["A", "B", "C"], n)) for key in ("sex", "view", "source")}
    subgroups(answered, names)
    now = lap("nine subgroups", now)
    print(f"  {'all':46}{now - begun:8.2f} s")


def _by_others() -> None:
    """Compute five figures anew, of images of which each has a patient of its own."""
    given = _answers(600, 600, 3, seed=5)
    given = Answered(given.probabilities, given.predicted, given.truth, np.arange(600))
    found = {(one.name, one.label): one for one in figures(given)}
    positive, said = given.truth == 1, given.predicted == 1
    wilson = stats.binomtest(int((said & positive).sum()), int(positive.sum()))
    ends = wilson.proportion_ci(0.95, "wilson")
    rows = [
        ("sensitivity", 1, metrics.recall_score(positive, said), (ends.low, ends.high)),
        ("auroc", 1, *_delong(given.probabilities[:, 1], positive)),
    ]
    wrong = metrics.balanced_accuracy_score(given.truth, given.predicted)

    def balanced(rows: np.ndarray, axis: int = -1) -> float:
        chosen = rows.astype(int)
        return float(metrics.balanced_accuracy_score(given.truth[chosen], given.predicted[chosen]))

    drawn = stats.bootstrap(
        (np.arange(600),),
        balanced,
        vectorized=False,
        n_resamples=4000,
        method="BCa",
        random_state=np.random.default_rng(0),
    ).confidence_interval
    rows.append(("balanced_accuracy", None, wrong, (drawn.low, drawn.high)))
    each = -np.log(given.probabilities[np.arange(600), given.truth])
    drawn = stats.bootstrap(
        (each,), np.mean, n_resamples=4000, method="BCa", random_state=np.random.default_rng(0)
    ).confidence_interval
    log_loss = metrics.log_loss(given.truth, given.probabilities)
    rows.append(("log_loss", None, log_loss, (drawn.low, drawn.high)))
    print("\nfigure                      ours                       others")
    for name, label, value, (low, high) in rows:
        ours = found[name, label]
        assert ours.interval is not None
        print(
            f"  {name:22}{ours.value:.4f} ({ours.interval[0]:.4f} to {ours.interval[1]:.4f})   "
            f"{value:.4f} ({low:.4f} to {high:.4f})"
        )
    other = np.random.default_rng(9).random(600) < 0.7
    hits = given.predicted == given.truth
    test = mcnemar(hits, other, given.patients)
    pair = (int((hits & ~other).sum()), int((other & ~hits).sum()))
    p = stats.binomtest(min(pair), sum(pair)).pvalue
    print(f"  {'McNemar, p':22}{test.p:.3e}                   {p:.3e}")


def _delong(scores: np.ndarray, positive: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Compute DeLong's variance from all pairs, and the interval on the logit scale."""
    ours, theirs = scores[positive], scores[~positive]
    wins = (ours[:, None] > theirs) + 0.5 * (ours[:, None] == theirs)
    area = metrics.roc_auc_score(positive, scores)
    error = math.sqrt(
        wins.mean(axis=1).var(ddof=1) / len(ours) + wins.mean(axis=0).var(ddof=1) / len(theirs)
    )
    half = stats.t.ppf(0.975, len(scores) - 2) * error / (area * (1 - area))
    logit = math.log(area / (1 - area))
    low, high = (1 / (1 + math.exp(-end)) for end in (logit - half, logit + half))
    return area, (low, high)


def _coverage(n_draws: int) -> None:
    print(f"\nshare of {n_draws} intervals (95 %) that hold the truth; 1 to 5 images a patient")
    print("  ICC   patients  truth    share    AUROC    mean (bootstrap)")
    for icc in (0.0, 0.3, 0.5):
        for n_patients in (15, 40, 100):
            for truth in (0.8, 0.9, 0.98):
                held = _held(icc, n_patients, truth, n_draws)
                print(
                    f"  {icc:3.1f}   {n_patients:8}  {truth:5.2f}  "
                    + "  ".join("      –" if one is None else f"{one:7.3f}" for one in held)
                )


def _held(
    icc: float, n_patients: int, truth: float, n_draws: int
) -> tuple[float, float, float | None]:
    random = np.random.default_rng(3)
    n_share = n_area = n_mean = 0
    # The bootstrap is only used from 20 patients on, and takes longer.
    n_boot = n_draws // 2 if n_patients >= 20 else 0
    for number in range(n_draws):
        patients = np.repeat(np.arange(n_patients), random.integers(1, 6, n_patients))
        own = np.full(n_patients, truth)
        if icc:
            own = random.beta(truth * (1 - icc) / icc, (1 - truth) * (1 - icc) / icc, n_patients)
        hits = random.random(len(patients)) < own[patients]
        low, high = clustered_share(hits, patients).interval
        n_share += low <= truth <= high
        positive = patients % 2 == 0
        apart = stats.norm.ppf(truth) * math.sqrt(2)
        noise = random.normal(0, math.sqrt(1 - icc), len(patients))
        scores = apart * positive + noise + random.normal(0, math.sqrt(icc), n_patients)[patients]
        low, high = area_under_curve(scores, positive, patients).interval
        n_area += low <= truth <= high
        if number < n_boot:
            values = random.gamma(2, 0.5, n_patients)[patients] * math.sqrt(icc) + random.gamma(
                2, 0.5, len(patients)
            ) * (1 - math.sqrt(icc))
            counts = per_patient(np.stack([values, np.ones(len(values))], axis=1), patients)
            ends = bootstrap_interval(counts, _mean, 0)
            n_mean += ends is not None and ends[0] <= 1 <= ends[1]
    return n_share / n_draws, n_area / n_draws, n_mean / n_boot if n_boot else None


def _mean(sums: np.ndarray) -> np.ndarray:
    return np.asarray(sums[..., 0] / sums[..., 1])


if __name__ == "__main__":
    main()
