"""What each setting of a run does, and what that costs."""

from app.translation import tr


def explanations() -> dict[str, str]:
    """A sentence or two for each setting, by its name, in the user's language."""
    return {**_basics(), **_optimiser(), **_ending(), **_start(), **_arithmetic()}


def _basics() -> dict[str, str]:
    return {
        "architecture": tr(
            "How many layers the network has. More can tell finer things apart but need more "
            "films. ResNet-50 takes two to three times as long as ResNet-18, the deeper ones still "
            "more."
        ),
        "epochs": tr(
            "How often the network sees every film. Twice the epochs take twice the time."
        ),
        "batch_size": tr(
            "Films that go through the network together. Larger batches need more memory and "
            "save time on a graphics card, hardly on a processor."
        ),
        "learning_rate": tr(
            "How far a step moves the weights, at its highest. Too high, and the loss jumps; too "
            "low, and it hardly falls. No effect on the time."
        ),
        "image_size": tr(
            "The side of the square that every film is brought to. Twice the side shows finer "
            "detail and takes about four times the time and memory."
        ),
        "class_balance": tr(
            "Weighted loss: a film of a rare class counts more. Balanced sampling: it is shown "
            "more often. Both keep the network from betting on the common class. No effect on "
            "the time."
        ),
        "split": tr(
            "Which films train the network, which choose its best epoch and which test it; the "
            "shares are set on the Data page. Fewer films to train on take less time."
        ),
        "seed": tr(
            "Decides all that is random: the split, the first weights, the order of the films. "
            "The same seed gives the same run again. No effect on the time."
        ),
        "device": tr(
            "What computes. Automatic takes a graphics card where there is one: it is many times "
            "faster than the processor."
        ),
    }


def _optimiser() -> dict[str, str]:
    return {
        "optimiser": tr(
            "How steps are made. AdamW is a safe choice; SGD needs more epochs and a well chosen "
            "rate. Each brings the learning rate and weight decay that are usual with it. Hardly "
            "any effect on the time of an epoch."
        ),
        "momentum": tr(
            "The share of its last step that SGD keeps in the next one; 0.9 is usual. No effect "
            "on the time."
        ),
        "schedule": tr(
            "How the learning rate changes. One cycle: up for the first third of the run, then "
            "down to nearly nothing. Cosine: up during the warm-up, then down. Natural "
            "exponential: a little more than half after each epoch. No effect on the time."
        ),
        "warmup_epochs": tr(
            "Epochs in which the rate rises, so that the first steps lead nowhere wild; at most "
            "half of the run. No effect on the time."
        ),
        "weight_decay": tr(
            "Pulls the weights towards zero, so that films are not learned by heart. Adam has "
            "none. No effect on the time."
        ),
        "label_smoothing": tr(
            "How much of full certainty is not asked for, so that the network is less sure where "
            "it is wrong; 0.1 is usual. No effect on the time."
        ),
    }


def _ending() -> dict[str, str]:
    return {
        "early_stopping_patience": tr(
            "Ends the run once the validation has not become better for so many epochs, which "
            "can save much time. It needs films to validate on."
        ),
        "averaging": tr(
            "Validates, keeps and tests an average over the last steps, often a little better "
            "than the last weights: 0.98 remembers about 50 steps, 0.999 about 1000. Hardly any "
            "effect on the time."
        ),
        "is_keeping_thumbnails": tr(
            "Small pictures of the training films (64 pixels) travel in the model file, so that "
            "whoever reads films with it sees the nearest ones. Off: only their classes are told. "
            "Ask whose films they are before you hand them on. No effect on the time."
        ),
    }


def _start() -> dict[str, str]:
    return {
        "initial_weights": tr(
            "Weights that know edges and shapes already need fewer films and epochs than weights "
            "at random. An epoch takes as long. Published weights were learned from ImageNet's "
            "photographs; they are fetched once, 45 to 242 MB."
        ),
        "is_backbone_frozen": tr(
            "Only the last layer learns, the others stay as they came. An epoch takes less than "
            "half the time, but the network cannot get used to X-rays."
        ),
    }


def _arithmetic() -> dict[str, str]:
    return {
        "precision": tr(
            "Mixed computes with fewer digits where the graphics card is made for it: faster, "
            "with less memory. Automatic does so too, but not with the reference preset. A "
            "processor always computes with all digits, float32."
        ),
        "is_norm_warmed_up": tr(
            "The norms take their mean and spread from the first films instead of from a guess, "
            "so that the first epochs already validate sensibly. No effect on the time."
        ),
    }
