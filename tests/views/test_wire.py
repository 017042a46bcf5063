"""The wire: what Python packs is what the page unpacks, and the shared examples say so for both."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from views.examples import EXAMPLES, FOLDER, decoded

from bbp_widgets.views.wire import Body, canonical, finite, pack, unpack

#: The examples are written on one machine and made again on another: float32 noise of a few layers.
NOISE = 1e-4


def test_what_is_packed_is_unpacked() -> None:
    body = Body()
    offsets = [
        body.add(np.arange(5, dtype=np.uint8)),
        body.add(np.array([1.5, -2.25])),  # doubles are sent as float32
        body.add(np.arange(12, dtype=np.uint8).reshape(3, 4)[:, ::2]),  # not contiguous
        body.add(np.zeros(0, np.float32)),
        body.add(np.array(7.0, np.float32)),
    ]
    header, rest = unpack(pack({"a": [1, "Füchsin", None, True], "offsets": offsets}, bytes(body)))
    assert header == {"a": [1, "Füchsin", None, True], "offsets": offsets}
    assert np.frombuffer(rest, np.uint8, 5, offsets[0]).tolist() == [0, 1, 2, 3, 4]
    assert np.frombuffer(rest, "<f4", 2, offsets[1]).tolist() == [1.5, -2.25]
    assert np.frombuffer(rest, np.uint8, 6, offsets[2]).tolist() == [0, 2, 4, 6, 8, 10]
    assert np.frombuffer(rest, "<f4", 1, offsets[4]).tolist() == [7]


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "ü", "日本語", "\u2028"])
def test_everything_starts_on_a_multiple_of_four(text: str) -> None:
    body = Body()
    offsets = [body.add(np.zeros(n, np.uint8)) for n in (1, 2, 3, 4, 5)]
    assert all(offset % 4 == 0 for offset in offsets)
    data = pack({"text": text}, bytes(body))
    assert (4 + int.from_bytes(data[:4], "little")) % 4 == 0
    assert len(data) % 4 == 0
    assert unpack(data) == ({"text": text}, bytes(body))


def test_a_number_that_is_not_finite_is_null() -> None:
    header = {"a": math.nan, "b": [math.inf, (-math.inf, 1.0)], "c": {"d": math.nan}, "e": 0, "f": True}
    wanted = {"a": None, "b": [None, [None, 1.0]], "c": {"d": None}, "e": 0, "f": True}
    assert finite(header) == wanted
    assert unpack(pack(header, b"")) == (wanted, b"")


def test_a_question_has_one_spelling_on_both_sides() -> None:
    """``JSON.stringify`` with sorted keys writes the same."""
    question = {
        "b": [1.0, -0.0, 0.1, 1e-5, 1.5e-7, 2.5e21, 1e300, math.nan],
        "a": {"ü\n": None, "t": True},
        "c": 3,
    }
    wanted = '{"a":{"t":true,"ü\\n":null},"b":[1,0,0.1,0.00001,1.5e-7,2.5e+21,1e+300,null],"c":3}'
    assert canonical(question) == wanted
    assert canonical(json.loads(wanted)) == wanted


@pytest.mark.parametrize("data", [b"", b"\x01\x00\x00", b"\x08\x00\x00\x00{}"])
def test_too_short_says_so(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"got \d+"):
        unpack(data)


def compare(new: Any, old: Any, path: str) -> None:
    """Hold that two headers or arrays are alike: the same keys, types and texts, numbers to within noise."""
    if isinstance(old, dict):
        assert isinstance(new, dict), path
        assert list(new) == list(old), path
        for key in old:
            compare(new[key], old[key], f"{path}.{key}")
    elif isinstance(old, list):
        assert isinstance(new, list), path
        assert len(new) == len(old), path
        one_byte = path.endswith(".uint8")
        for i, (a, b) in enumerate(zip(new, old, strict=True)):
            assert not one_byte or abs(a - b) <= 1, f"{path}[{i}]"
            if not one_byte:
                compare(a, b, f"{path}[{i}]")
    elif isinstance(old, float):
        assert isinstance(new, (int, float)), path
        assert new == pytest.approx(old, rel=NOISE, abs=NOISE), path
    else:
        assert (new, type(new)) == (old, type(old)), path


def by_type(example: dict[str, Any]) -> dict[str, Any]:
    """Give the values of each array a key that tells their type."""
    arrays = [{**a, "values": {f"{a['type']}": a["values"]}} for a in example["arrays"]]
    return {"header": example["header"], "arrays": arrays}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_shared_examples_are_what_python_writes(name: str) -> None:
    """Where this fails after a wanted change, ``python tests/views/examples.py`` writes them anew."""
    data = FOLDER.joinpath(f"{name}.film").read_bytes()
    assert len(data) < 20_000
    said = json.loads(FOLDER.joinpath(f"{name}.json").read_text("utf8"))
    assert decoded(data) == said
    compare(by_type(decoded(EXAMPLES[name]())), by_type(said), name)
