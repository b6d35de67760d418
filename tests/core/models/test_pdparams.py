import collections
import io
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.models import pdparams_worker
from core.models.pdparams_worker import RefusedError, read_arrays
from core.tensor_file import to_float32

ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
F4 = b"cnumpy\ndtype\nU\x02f4\x89\x88\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def found(content):
    return read_arrays(io.BytesIO(content), len(content))


def arrays(content):
    return {
        name: to_float32(data, kind, shape, order)
        for name, kind, shape, order, data in found(content)
    }


def entry(value, name=b"conv1.weight"):
    """A pickle of a dictionary with one entry."""
    return b"\x80\x04}U" + bytes([len(name)]) + name + value + b"s."


def array(shape=b"K\x01\x85", data=b"C\x04abcd", kind=F4, is_fortran=b"\x89"):
    return ARRAY + b"(K\x01" + shape + kind + is_fortran + data + b"tb"


def call(name, arguments=b")"):
    return b"c" + name.replace(b" ", b"\n") + b"\n" + arguments + b"R"


class Calls:
    """Runs a command when Python's own reader opens its pickle."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class TestArrays:
    @pytest.mark.parametrize("protocol", [2, 3, 4, 5])
    def test_come_back_from_every_protocol(self, protocol):
        written = collections.OrderedDict(
            a=np.linspace(0, 1, 12, dtype="f4").reshape(3, 4),
            b=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            c=np.arange(3, dtype=">f4"),
            d=np.arange(4, dtype="f2"),
        )

        read = arrays(pickle.dumps(written, protocol))

        assert list(read) == ["a", "b", "c", "d"]
        for name in read:
            np.testing.assert_array_equal(read[name], written[name].astype("f4"))

    def test_of_python_2_are_read(self):
        content = entry(array(data=b"U\x04" + np.float32(2.5).tobytes()))

        assert arrays(content)["conv1.weight"] == [2.5]

    def test_of_an_old_ordered_dictionary_are_read(self):
        pair = b"]U\x01aa" + array(data=b"C\x04" + np.float32(3).tobytes()) + b"a"
        content = b"\x80\x02ccollections\nOrderedDict\n]" + pair + b"a\x85R."

        assert arrays(content)["a"] == [3]

    def test_need_no_table_of_names(self, pickled):
        assert list(arrays(pickled())) == ["conv1.weight", "fc.weight"]

    def test_that_hold_counters_are_told_by_their_type(self, pickled):
        assert arrays(pickled(steps=np.arange(3)))["steps"] is None

    def test_of_bfloat16_travel_as_words(self, pickled):
        words = (np.array([1.5, -2.0], "f4").view("u4") >> 16).astype("u2")

        np.testing.assert_array_equal(arrays(pickled(half=words))["half"], [1.5, -2.0])


GLOBALS = {
    "a shell": b"os system",
    "a shell of POSIX": b"posix system",
    "a shell of Windows": b"nt system",
    "a process": b"subprocess Popen",
    "eval": b"builtins eval",
    "eval of Python 2": b"__builtin__ eval",
    "exec": b"builtins exec",
    "getattr": b"builtins getattr",
    "an import": b"importlib import_module",
    "a pickle in the pickle": b"_pickle loads",
    "code objects": b"types CodeType",
    "partial": b"functools partial",
    "attrgetter": b"operator attrgetter",
    "runpy": b"runpy run_path",
    "numpy's own loader": b"numpy load",
    "numpy's runstring": b"numpy.testing._private.utils runstring",
    "a numpy scalar": b"numpy.core.multiarray scalar",
    "an attribute of what is known": b"numpy ndarray.tofile",
    "a neighbour of what is known": b"_codecs decode",
    "torch": b"torch._utils _rebuild_tensor_v2",
}

INSTRUCTIONS = {
    "INST": b"(ios\nsystem\n",
    "OBJ": b"(ccollections\nOrderedDict\no",
    "NEWOBJ": b"ccollections\nOrderedDict\n)\x81",
    "NEWOBJ_EX": b"ccollections\nOrderedDict\n)}\x92",
    "PERSID": b"Pname\n",
    "BINPERSID": b"NQ",
    "EXT1": b"\x82\x01",
    "NEXT_BUFFER": b"\x97",
    "EMPTY_SET": b"\x8f",
    "a number as text": b"I1\n",
    "a text to be unescaped": b"S'x'\n",
    "LONG4": b"\x8b\x01\x00\x00\x00\x01",
    "DUP": b"N2",
    "POP_MARK": b"(1",
}

NO_ARRAYS = {
    "a list": b"\x80\x04].",
    "a number": b"\x80\x04K\x01.",
    "an array without a dictionary": b"\x80\x04" + array() + b".",
    "a text among the arrays": entry(b"U\x01x"),
    "a dictionary in the dictionary": entry(b"}"),
    "an array that was never filled": entry(ARRAY),
    "a type": entry(b"cnumpy\ndtype\n"),
    "Python objects": entry(b"cnumpy\ndtype\nU\x02O8\x89\x88\x87R"),
    "texts": entry(b"cnumpy\ndtype\nU\x02U4\x89\x88\x87R"),
    "tuples in tuples": b"\x80\x04)" + b"\x85" * 20_000 + b".",
    "a dictionary of itself": b"\x80\x04}q\x00U\x01ah\x00s.",
}

DAMAGED = {
    "nothing": b"",
    "only a beginning": b"\x80\x04",
    "protocol 6": b"\x80\x06}.",
    "a frame past the end": b"\x80\x04\x95" + struct.pack("<Q", 99) + b"}.",
    "a text past the end": b"\x80\x04X" + struct.pack("<I", 1 << 31) + b"a.",
    "bytes past the end": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 63) + b"a.",
    "a text of negative length": b"\x80\x04T" + struct.pack("<i", -5) + b"}.",
    "text that is no UTF-8": b"\x80\x04U\x01aX\x01\x00\x00\x00\xff.",
    "a name without an end": b"\x80\x04cnumpy",
    "a name that is no text": b"\x80\x04KK\x93.",
    "a stop on an empty stack": b"\x80\x04.",
    "a stop on a full stack": b"\x80\x04}}.",
    "a stop inside a mark": b"\x80\x04}(.",
    "more after the end": b"\x80\x04}.}",
    "a mark that is missing": b"\x80\x04t.",
    "a note that was never made": b"\x80\x04h\x07.",
    "a note of nothing": b"\x80\x04q\x07.",
    "a tuple of too little": b"\x80\x04N\x87.",
    "an entry of too little": b"\x80\x04}s.",
    "half a pair": b"\x80\x04}(Nu.",
    "an entry of no dictionary": b"\x80\x04]NNs.",
    "an item of no list": b"\x80\x04}Na.",
    "a name that is a number": b"\x80\x04}K\x01Ns.",
    "a name twice": b"\x80\x04}(U\x01aNU\x01aNu.",
    "a name that is too long": b"\x80\x04}X\xff\x00\x00\x00" + b"a" * 255 + b"Ns.",
    "a call of a text": b"\x80\x04U\x06system)R.",
    "a call of an array's type": b"\x80\x04" + call(b"numpy ndarray") + b".",
    "a dictionary made of a number": b"\x80\x04" + call(b"collections OrderedDict", b"K\x01\x85"),
    "an array of another type": entry(call(b"numpy._core.multiarray _reconstruct", b"N\x85")),
    "a state for a dictionary": b"\x80\x04}}b.",
    "a state that is no tuple": entry(ARRAY + b"}b"),
    "a state twice": entry(array() + b"(K\x01K\x01\x85" + F4 + b"\x89C\x04abcdtb"),
    "a type of records": entry(array(kind=F4.replace(b"NNN", b"N)}"))),
    "a strange byte order": entry(array(kind=F4.replace(b"<", b"x"))),
    "a shape with another length": entry(array(shape=b"K\x02\x85")),
    "a negative shape": entry(array(shape=b"J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86")),
    "a huge shape": entry(array(shape=b"\x8a\x08" + b"\xff" * 7 + b"\x7f\x85")),
    "a shape of texts": entry(array(shape=b"U\x01a\x85")),
    "a shape that is a number": entry(array(shape=b"K\x01")),
    "nine dimensions": entry(array(shape=b"(" + b"K\x01" * 9 + b"t")),
    "data that is a text": entry(array(data=b"X\x04\x00\x00\x00abcd")),
    "a long of a kilobyte": b"\x80\x04\x8a\xff" + b"a" * 255 + b".",
    "another encoding": entry(
        array(data=call(b"_codecs encode", b"X\x01\x00\x00\x00aU\x03hex\x86"))
    ),
    "an order of no kind": entry(
        call(b"numpy.core.numeric _frombuffer", b"(C\x04abcd" + F4 + b"K\x01\x85U\x01Kt")
    ),
}


# Changes bytes of a pickle at random, in a process that gets little memory and time.
MUTATE = """
import io, random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pdparams_worker import RefusedError, confine, read_arrays
confine(0)
original = sys.stdin.buffer.read()
rng = random.Random(0)
outcomes = set()
for _ in range(3000):
    content = bytearray(original)
    for _ in range(rng.randint(1, 4)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    try:
        read_arrays(io.BytesIO(content), len(content))
        outcomes.add("read")
    except RefusedError:
        outcomes.add("refused")
    except MemoryError:
        outcomes.add("memory")
print(*sorted(outcomes - {"memory"}))
"""


class TestHostileFile:
    def test_that_names_a_function_is_refused_by_that_name(self):
        for name in GLOBALS.values():
            with pytest.raises(RefusedError) as refusal:
                found(entry(call(name)))

            assert refusal.value.reason == "global"
            assert refusal.value.what == name.decode().replace(" ", ".")

    @pytest.mark.parametrize(
        ("table", "reasons"),
        [
            (NO_ARRAYS, ("content",)),
            (DAMAGED, ("damaged", "content")),
            (INSTRUCTIONS, ("damaged", "content", "global")),
        ],
        ids=["no arrays", "damaged", "instructions that no weights need"],
    )
    def test_with_anything_but_arrays_is_refused(self, table, reasons):
        for name, content in table.items():
            content = entry(content) if table is INSTRUCTIONS else content
            with pytest.raises(RefusedError) as refusal:
                found(content)

            assert refusal.value.reason in reasons, name

    @pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
    def test_of_python_itself_runs_nothing(self, tmp_path, protocol):
        sign = tmp_path / "ran"
        for function in (os.system, subprocess.getoutput, eval):
            order = f"open({str(sign)!r}, 'w')" if function is eval else f"touch {sign}"

            with pytest.raises(RefusedError, match="global"):
                found(pickle.dumps({"conv1.weight": Calls(function, order)}, protocol))

            assert not sign.exists()

    def test_cannot_change_the_stand_ins(self):
        for name in ("numpy dtype", "collections OrderedDict", "_codecs encode"):
            for state in (b"}", b"N}U\x0c__defaults__NK\x01\x85s\x86"):
                named = b"c" + name.encode().replace(b" ", b"\n") + b"\n"
                with pytest.raises(RefusedError, match="damaged"):
                    found(entry(named + state + b"b"))

    def test_cannot_make_many_arrays_of_the_same_bytes(self):
        first = array(shape=b"M\xe8\x03\x85", data=b"B\xa0\x0f\x00\x00" + b"a" * 4000 + b"q\x00")
        again = array(shape=b"M\xe8\x03\x85", data=b"h\x00")
        assert len(found(entry(first))) == 1

        with pytest.raises(RefusedError):
            found(b"\x80\x04}(U\x01a" + first + b"U\x01b" + again + b"u.")

    def test_of_too_many_arrays_is_refused(self, monkeypatch, pickled):
        monkeypatch.setattr(pdparams_worker, "MAX_ARRAYS", 2)

        with pytest.raises(RefusedError):
            found(pickled())

    @pytest.mark.parametrize("protocol", [2, 5])
    def test_cut_anywhere_is_refused(self, pickled, protocol):
        content = pickled(protocol)

        for length in range(len(content)):
            with pytest.raises(RefusedError):
                found(content[:length])

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows does not limit memory")
    @pytest.mark.parametrize("protocol", [2, 4])
    def test_with_changed_bytes_is_refused_or_read_but_never_breaks_the_reader(
        self, pickled, protocol
    ):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", MUTATE, str(Path(pdparams_worker.__file__).parent)],
            input=pickled(protocol),
            capture_output=True,
            check=True,
        )

        assert done.stdout.split() == [b"read", b"refused"]
