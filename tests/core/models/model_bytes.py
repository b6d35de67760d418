"""Model files taken apart, changed at one place and put together again."""

import hashlib
import json
import struct
from datetime import UTC, datetime

import numpy as np

from core.config import ARCHITECTURES, Preprocessing, TrainingConfig
from core.models.model_card import ModelCard, card_checksum

CLASSES = ("正常肺部", "病毒性肺炎", "COVID-19")


def card(**changes):
    values = {
        "architecture": "resnet18",
        "classes": CLASSES,
        "display_names": {name: {"en": f"{name} (en)", "zh_CN": name} for name in CLASSES},
        "preprocessing": Preprocessing(image_size=96, mean=0.5, std=0.25),
        "reader_version": 1,
        "training": TrainingConfig(epochs=3, preprocessing=Preprocessing(image_size=96)),
        "dataset": {"name": "胸片.zip", "fingerprint": "f" * 64},
        "split": {
            part: tuple(hashlib.sha256(f"{part}{n}".encode()).hexdigest() for n in range(3))
            for part in ("train", "validation", "test", "kept")
        },
        "metrics": {"test": {"accuracy": 0.9, "intervals": [[0.8, 0.95]], "note": None}},
        "history": {"best_epoch": 2, "epochs": 3},
        "versions": dict.fromkeys(("python", "paddle", "numpy", "pneumoscope"), "3.3"),
        "created": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).isoformat(),
    }
    return ModelCard(**{**values, **changes})


def arrays_for(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.1, 1.0, size).astype(np.float32) for name, size in shapes.items()}


def tiny_shapes(architecture, n_classes):
    """A layout of a few hundred bytes, so that a random change hits every kind of field."""
    assert architecture in ARCHITECTURES
    return {
        "conv1.weight": (2, 3, 1, 1),
        "bn1.running_mean": (2,),
        "bn1.running_var": (2,),
        "fc.weight": (n_classes, 2),
        "fc.bias": (n_classes,),
    }


def take_apart(path):
    """The header as a dict, and the tensors' bytes."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def put_together(header, body):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def opened_up(path):
    """Header, the tensors' bytes, and the card as a dict."""
    header, body = take_apart(path)
    return header, body, json.loads(header["__metadata__"]["pneumoscope"])


def with_text(header, body, text):
    """Put together with this text for the card."""
    return put_together({**header, "__metadata__": {"pneumoscope": text}}, body)


def sealed(header, body, values):
    """Put together with checksums that fit."""
    values = {**values, "tensors_sha256": hashlib.sha256(body).hexdigest()}
    values["card_sha256"] = card_checksum(values)
    return with_text(header, body, json.dumps(values))


def with_card(change):
    """Content of the file whose card was changed, `change` mapping dict to dict or to a text.

    A dict gets a checksum that fits.
    """

    def altered(path):
        header, body, values = opened_up(path)
        changed = change(values)
        if isinstance(changed, dict):
            changed = {**changed, "card_sha256": card_checksum(changed)}
        text = changed if isinstance(changed, str) else json.dumps(changed)
        return with_text(header, body, text)

    return altered


def with_header(change):
    def altered(path):
        header, body = take_apart(path)
        return put_together(change(header), body)

    return altered


def with_entry(name, **changes):
    return with_header(lambda header: {**header, name: {**header[name], **changes}})


def with_body(change):
    def altered(path):
        header, body = take_apart(path)
        return put_together(header, change(body))

    return altered


def with_value(name, value):
    """A tensor's first value changed, and a checksum that fits."""

    def altered(path):
        header, body, values = opened_up(path)
        start = header[name]["data_offsets"][0]
        return sealed(header, body[:start] + struct.pack("<f", value) + body[start + 4 :], values)

    return altered


def swapped_offsets(header):
    one, other = header["bn1.running_mean"], header["bn1.running_var"]
    return {**header, "bn1.running_mean": other, "bn1.running_var": one}


def repeated_name(path):
    header, body = take_apart(path)
    text = json.dumps(header)
    return put_together(
        (text[:-1] + ', "fc.bias": ' + json.dumps(header["fc.bias"]) + "}").encode(), body
    )


def card_text(old, new):
    def change(values):
        text = json.dumps(values)
        assert old in text
        return text.replace(old, new, 1)

    return with_card(change)


def without(name):
    return lambda values: {key: value for key, value in values.items() if key != name}


def mutated(content, rng):
    """One random change: bytes set, bits flipped, a piece cut, doubled, or copied elsewhere."""
    changed = bytearray(content)
    kind = rng.integers(6)
    # Half of the changes in the header, which is the harder half to read.
    end = len(content) if rng.random() < 0.5 else len(content) - 80
    at, other = sorted(int(n) for n in rng.integers(0, end, 2))
    span = int(rng.integers(1, 20))
    if kind == 0:
        changed[at] = rng.integers(256)
    elif kind == 1:
        changed[at] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        del changed[at : at + span]
    elif kind == 3:
        changed[at:at] = changed[at : at + span]
    elif kind == 4:
        changed[other : other + span] = changed[at : at + span]
    else:
        changed[at : at + 1] = rng.choice([b"}", b"]", b'"', b"9", b"-", b"\\", b"null", b"[["])
    return bytes(changed)
