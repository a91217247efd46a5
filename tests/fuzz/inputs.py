"""Strategies: text, JSON and bytes as nobody would write them, and good files with something wrong in them."""

import json
from typing import Any

from hypothesis import strategies as st

ODD = [
    "\x00",
    "\ud800",
    "\u202e",
    "::error::",
    "\x1b[31m",
    "../..",
    "~nobody",
    "1e999",
    "NaN",
    "!!set",
    "&a",
    "*a",
    "{",
    "]",
]
odd_text = st.one_of(
    st.text(max_size=40), st.sampled_from(ODD), st.lists(st.sampled_from(ODD), max_size=5).map("".join)
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    odd_text,
    st.sampled_from([10**4000, -1, 0, 1e308, 5e-324]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(odd_text, inner, max_size=4)),
    max_leaves=12,
)


@st.composite
def mutated_bytes(draw: st.DrawFn, good: bytes) -> bytes:
    """Good bytes, cut, overwritten, doubled or with something put in."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        how = draw(st.sampled_from(["cut", "set", "insert", "drop", "repeat"]))
        if how == "cut":
            del data[at:]
        elif how == "set" and data:
            data[at] = draw(st.integers(0, 255))
        elif how == "insert":
            data[at:at] = draw(st.binary(max_size=12))
        elif how == "drop":
            del data[at : at + draw(st.integers(1, 40))]
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 40))]
    return bytes(data)


@st.composite
def mutated_json(draw: st.DrawFn, good: Any) -> Any:
    """A good value in which one part is another value, is gone, or has a key too many."""
    if draw(st.integers(0, 3)) == 0 or not isinstance(good, dict | list) or not good:
        return draw(values)
    if isinstance(good, dict):
        key = draw(st.sampled_from(sorted(good)))
        how = draw(st.sampled_from(["part", "drop", "more"]))
        if how == "drop":
            return {name: value for name, value in good.items() if name != key}
        if how == "more":
            return {**good, draw(odd_text): draw(values)}
        return {**good, key: draw(mutated_json(good[key]))}
    at = draw(st.integers(0, len(good) - 1))
    return [*good[:at], draw(mutated_json(good[at])), *good[at + 1 :]]


def json_bytes(value: Any) -> bytes:
    """As a file would hold it, lone surrogates and infinities included."""
    try:
        return json.dumps(value).encode("utf-8", "surrogatepass")
    except ValueError:  # an integer of too many digits for Python
        return b'{"n": ' + b"9" * 4000 + b"}"
