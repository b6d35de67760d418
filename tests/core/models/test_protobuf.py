"""Against the bytes in protobuf's own description of its format."""

import pytest

from core.models import onnx


@pytest.mark.parametrize(
    ("value", "written"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (150, b"\x96\x01")]
)
def test_a_number_is_written_seven_bits_a_byte(value, written):
    assert onnx._varint(value) == written


def test_a_field_begins_with_its_number_and_kind():
    assert b"".join(onnx._number(1, 150)) == bytes.fromhex("089601")
    assert b"".join(onnx._text(2, "testing")) == bytes.fromhex("120774657374696e67")
    assert b"".join(onnx._real(2, 1.0)) == bytes.fromhex("150000803f")


def test_a_message_in_a_message_is_as_long_as_its_pieces():
    inner = onnx._number(1, 150)
    assert b"".join(onnx._content(3, inner)) == bytes.fromhex("1a03089601")
