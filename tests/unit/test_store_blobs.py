"""Long texts: every byte comes back, equal parts are kept once, a store of similar texts stays small."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_setting import key, open_store, put, start

from orchestra.store.blobs import LARGEST, SMALLEST, Blobs, cut


def prose(size: int, seed: int = 1) -> str:
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghij", k=chance.randint(2, 9))) for _ in range(3000)]
    return " ".join(chance.choices(words, k=size // 6))[:size]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        bytes(range(256)) * 400,
        b"a" * 100_000,
        b"the " * 50_000,
        b"\\n" * 30_000,
        random.Random(5).randbytes(100_000),
        prose(100_000).encode(),
    ],
)
def test_every_byte_comes_back(tmp_path: Path, content: bytes) -> None:
    blobs = Blobs(open_store(tmp_path).connection)
    assert blobs.get(blobs.put(content)) == content


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([b"a", b" ", b"\n", b"word ", b"x" * 5000, prose(3000).encode()]), max_size=30))
def test_parts_make_up_the_whole_and_keep_their_bounds(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    parts = list(cut(content))
    assert b"".join(parts) == content
    assert all(SMALLEST <= len(part) <= LARGEST for part in parts[:-1])
    assert all(0 < len(part) <= LARGEST for part in parts)


def test_an_insertion_changes_few_parts() -> None:
    text = prose(100_000)
    before = set(cut(text.encode()))
    after = set(cut(("new start " + text[:50_000] + " inserted " + text[50_000:] + " end").encode()))
    assert len(after - before) <= 5
    assert len(before) > 50


def test_equal_content_is_kept_once(tmp_path: Path) -> None:
    connection = open_store(tmp_path).connection
    blobs = Blobs(connection)
    assert blobs.put(b"x" * 5000) == blobs.put(b"x" * 5000)
    assert connection.one("SELECT count(*), codec FROM blobs") == (1, "zlib")


def test_what_does_not_shrink_is_kept_as_it_is(tmp_path: Path) -> None:
    connection = open_store(tmp_path).connection
    Blobs(connection).put(random.Random(1).randbytes(2000))
    assert connection.one("SELECT codec FROM blobs") == ("raw",)


def test_a_hundred_results_around_one_context_stay_small(tmp_path: Path) -> None:
    empty = open_store(tmp_path / "empty")
    start(empty)
    empty.close()
    store = open_store(tmp_path)
    execution = start(store)
    context = prose(100_000)
    for turn in range(100):
        context += f" turn {turn} said {prose(60, turn)}"
        put(execution, key(turn), {"context": context, "turn": turn}, first_arg=f"{turn}: {context}")
    store.close()
    sizes = [(folder / ".orch" / "store.db").stat().st_size for folder in (tmp_path, tmp_path / "empty")]
    assert sizes[0] - sizes[1] < 444_000
