"""What is kept of a parsed script: whatever stands in it must survive being written down."""

from __future__ import annotations

import pickle

import pytest

from orchestra.nodes.operators import OPERATORS
from orchestra.parse import parse_script
from orchestra.source import Source


@pytest.mark.parametrize("sign", OPERATORS)
def test_a_script_with_this_operator_is_kept(sign: str) -> None:
    parsed = parse_script(Source("example.mld", f"var @a = 4 {sign} 2\nshow @a\n"), "strict")
    kept = pickle.loads(pickle.dumps(parsed))
    assert repr(kept) == repr(parsed)
