"""What class weights do to probabilities, and what is left once they are taken out.

    python tests/benchmarks/class_weights.py [--films 20000]

Films of three classes with shares of 80, 15 and 5 % are drawn as points whose true probabilities
are known. A softmax regression learns them with the weights that training uses; then the logarithms
of the weights are subtracted, as the last layer's bias is corrected at the end of a run.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from sklearn.linear_model import LogisticRegression

from core.data.batches import class_weights
from core.prediction.calibration import calibration_error, precise_softmax

SHARES = (0.80, 0.15, 0.05)
N_FEATURES = 8


def main() -> None:
    """Print shares, mean probabilities and errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=20_000)
    n = parser.parse_args().films
    random = np.random.default_rng(0)
    centres = random.normal(0, 0.6, (len(SHARES), N_FEATURES))

    def draw() -> tuple[np.ndarray, np.ndarray]:
        labels = random.choice(len(SHARES), n, p=SHARES)
        return centres[labels] + random.normal(0, 1, (n, N_FEATURES)), labels

    points, labels = draw()
    weights = class_weights(labels, len(SHARES))
    model = LogisticRegression(C=1e4, max_iter=1000)
    model.fit(points, labels, sample_weight=weights[labels])
    points, labels = draw()
    logits = model.decision_function(points)
    truth = np.bincount(labels, minlength=len(SHARES)) / n
    sys.stdout.write(f"true shares              {truth.round(3)}\n")
    for name, values in (
        ("with weights", logits),
        ("weights taken out", logits - np.log(weights)),
    ):
        probabilities = precise_softmax(values)
        right = float((probabilities.argmax(axis=1) == labels).mean())
        sure = (probabilities[:, 2] > 0.4) & (probabilities[:, 2] < 0.6)
        rare = float((labels[sure] == 2).mean()) if sure.any() else float("nan")
        sys.stdout.write(
            f"{name:17} mean   {probabilities.mean(axis=0).round(3)}, accuracy {right:.3f}, "
            f"calibration error {calibration_error(probabilities, labels):.3f}, rare class called "
            f"about 50 % is right in {rare:.0%}\n"
        )


if __name__ == "__main__":
    main()
