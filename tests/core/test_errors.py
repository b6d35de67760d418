import pytest

from core.errors import DatasetError, Message, PneumoScopeError


def test_a_message_is_its_template_filled() -> None:
    message = Message("{file} has {n} films.", file="a{b}.zip", n=3)
    assert str(message) == "a{b}.zip has 3 films."


def test_a_message_may_hold_another() -> None:
    inner = Message("it has {n} bytes", n=1)
    assert str(Message("Damaged ({reason}).", reason=inner)) == "Damaged (it has 1 bytes)."


def test_messages_are_equal_when_template_and_values_are() -> None:
    one, same = Message("{n} films", n=1), Message("{n} films", n=1)
    assert one == same
    assert hash(one) == hash(same)
    assert one != Message("{n} films", n=2)
    assert one != Message("1 films")
    assert one != "1 films"


def test_a_value_may_be_called_template_or_self() -> None:
    with pytest.raises(TypeError):
        Message(template="x")  # type: ignore[call-arg]
    assert str(Message("{template} {self}", template=1, **{"self": 2})) == "1 2"


def test_an_error_says_its_message_and_keeps_it() -> None:
    message = Message("{file} is empty.", file="a.zip")
    error = DatasetError(message)
    assert isinstance(error, PneumoScopeError)
    assert str(error) == "a.zip is empty."
    assert error.message is message
