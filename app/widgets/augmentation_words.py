"""What the random changes are called, and what each does to a radiograph, for better or worse."""

from app.translation import tr
from core.config import AugmentationConfig
from core.config.augmentation import Change


def change_names() -> dict[Change, str]:
    """The seven changes in the user's language."""
    return {
        "brightness": tr("Brightness"),
        "contrast": tr("Contrast"),
        "saturation": tr("Saturation"),
        "sharpness": tr("Sharpness"),
        "flip": tr("Left-right flip"),
        "rotation": tr("Rotation"),
        "noise": tr("Noise"),
    }


def field_names() -> dict[str, str]:
    """The numbers of an `AugmentationConfig`, by their names there."""
    return {
        "probability": tr("Chance of each change"),
        "brightness_low": tr("Least brightness"),
        "brightness_high": tr("Greatest brightness"),
        "contrast_low": tr("Least contrast"),
        "contrast_high": tr("Greatest contrast"),
        "saturation_low": tr("Least saturation"),
        "saturation_high": tr("Greatest saturation"),
        "sharpness_low": tr("Least sharpness"),
        "sharpness_high": tr("Greatest sharpness"),
        "flip_probability": tr("Chance of a flip"),
        "rotation_degrees": tr("Rotation in degrees"),
        "noise_sigma_max": tr("Strongest noise"),
    }


def change_notes(config: AugmentationConfig) -> dict[Change, str]:
    """What each change does, and why one may or may not want it."""
    mirrored = config.probability * config.flip_probability if config.is_flip_on else 0.0
    return {
        "brightness": tr(
            "Darkens or lightens the whole film. Exposure differs from machine to machine, so "
            "the network should not lean on it."
        ),
        "contrast": tr(
            "Weakens or strengthens the differences of grey, as other film processing would. "
            "Strong changes can hide faint shadows."
        ),
        "saturation": tr(
            "Weakens or strengthens colours. X-rays are grey: on grey films it has no effect."
        ),
        "sharpness": tr(
            "Blurs or sharpens edges. Detectors differ in it, but a strong blur wipes out fine "
            "lines and small nodules."
        ),
        "flip": tr(
            "Exchanges left and right, which moves the heart to the other side; real patients "
            "hardly ever look like that. Switch it off where the side matters. With these "
            "chances {share} of the films are mirrored.",
            share=f"{mirrored:.0%}",
        ),
        "rotation": tr(
            "Turns the film about its centre; the corners become black. Patients stand a "
            "little askew, but a chest film is never far from upright."
        ),
        "noise": tr(
            "Adds grain up to this strength, as a low dose does. Too much of it hides the "
            "fine texture of the lungs."
        ),
    }
