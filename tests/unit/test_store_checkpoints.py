"""Answers: written, served, found stale with the reason, replaced without loss."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from store_setting import SCRIPT, VALIDITY, Clock, key, open_store, put, start

from orchestra.store import Hit, Miss, SecretValue, Stale, StoredFile, Uncacheable, WrittenFile, make_key
from orchestra.store.listings import checkpoint_value, list_checkpoints
from orchestra.values.tagged import MISSING, Meta, Tagged


def test_an_answer_is_served_with_everything_it_carried(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    execution = start(store)
    value = Tagged({"text": "long " * 5000}, Meta(("llm",), ("llm",)))
    put(execution, key("a"), value, phase="review", meta={"usage": {"input": 3}, "nan": float("inf")})
    store.close()

    store = open_store(tmp_path)
    hit = start(store).checkpoints.look_up(key("a"), VALIDITY, 0)
    assert isinstance(hit, Hit)
    assert hit.value == value
    assert hit.value.meta.labels == ("llm",)
    assert hit.meta == {"usage": {"input": 3}, "nan": float("inf")}
    assert (hit.phase, hit.run, hit.created) == ("review", "r1", "2026-01-02T03:04:05.000+00:00")
    assert (hit.key, hit.files) == (key("a").digest, ())


def test_an_unknown_call_is_a_miss(tmp_path: Path) -> None:
    checkpoints = start(open_store(tmp_path)).checkpoints
    assert checkpoints.look_up(key("a"), VALIDITY, 0) == Miss("not called like this before")


def test_another_script_has_its_own_answers(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put(start(store), key("a"), 1)
    assert isinstance(start(store, script="other.mld").checkpoints.look_up(key("a"), VALIDITY, 0), Miss)


def test_every_changed_part_is_named(tmp_path: Path) -> None:
    execution = start(open_store(tmp_path))
    put(execution, key("a"), "old", validity={"code:@f": "1", "template:x.att": "1", "model": "m"})
    stale = execution.checkpoints.look_up(key("a"), {"code:@f": "2", "var:@n": "1", "model": "m"}, 0)
    assert isinstance(stale, Stale)
    assert stale.changed == ("code:@f", "template:x.att", "var:@n")
    assert stale.hit.value == "old"


def test_the_order_of_parts_does_not_count(tmp_path: Path) -> None:
    execution = start(open_store(tmp_path))
    put(execution, key("a"), 1, validity={"a": "1", "b": "2"})
    assert isinstance(execution.checkpoints.look_up(key("a"), {"b": "2", "a": "1"}, 0), Hit)


@pytest.mark.parametrize(("now", "changed"), [("d1", None), ("d2", ("file:a.md",)), (None, ("file:a.md",))])
def test_a_loaded_file_that_changed_or_vanished_makes_stale(
    tmp_path: Path, now: str | None, changed: tuple[str, ...] | None
) -> None:
    store = open_store(tmp_path)
    put(start(store), key("a"), 1, deps={"a.md": "d1", "b.md": "d9"})
    digests = {"a.md": now, "b.md": "d9"}
    execution = store.start(SCRIPT, "{}", [], new=False, read_digest=digests.get)
    found = execution.checkpoints.look_up(key("a"), VALIDITY, 0)
    assert isinstance(found, Stale) == (changed is not None)
    assert getattr(found, "changed", None) == changed


def test_files_are_kept_with_the_answer_and_read_when_wanted(tmp_path: Path) -> None:
    execution = start(open_store(tmp_path))
    files = [WrittenFile("z.md", "output", b"\xff\0binary"), WrittenFile("a.json", "poll", b"{}" * 9000)]
    put(execution, key("a"), 1, files=files)
    hit = execution.checkpoints.look_up(key("a"), VALIDITY, 0)
    assert isinstance(hit, Hit)
    assert hit.files == tuple(StoredFile(f.path, f.mode, sha256(f.content).hexdigest()) for f in files)
    assert [execution.checkpoints.content(file) for file in hit.files] == [file.content for file in files]


def test_a_replacement_takes_over_everything_and_the_old_value_stays_readable(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    execution = start(store)
    put(execution, key("a"), "old", files=[WrittenFile("a", "output", b"1")], deps={"x": "1"}, phase="one")
    execution.checkpoints.look_up(key("a"), {}, 0)
    put(execution, key("a"), ["new"], phase="two", validity={"code:@f": "9"})
    hit = execution.checkpoints.look_up(key("a"), {"code:@f": "9"}, 0)
    assert isinstance(hit, Hit)
    assert (hit.value, hit.phase, hit.files) == (["new"], "two", ())
    assert checkpoint_value(store, SCRIPT, key("a").digest) == ["new"]
    assert checkpoint_value(store, SCRIPT, key("a").digest, previous=True) == "old"
    assert len(list_checkpoints(store, SCRIPT)) == 1


def test_a_value_that_is_not_there_is_missing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put(start(store), key("a"), None)
    assert checkpoint_value(store, SCRIPT, key("a").digest) is None
    assert checkpoint_value(store, SCRIPT, key("a").digest, previous=True) is MISSING
    assert checkpoint_value(store, SCRIPT, "nope") is MISSING


@pytest.mark.parametrize(("value", "error"), [(Tagged("x", Meta(("secret",))), SecretValue), ([object()], Uncacheable)])
def test_what_must_not_be_kept_leaves_nothing(tmp_path: Path, value: Any, error: type[Exception]) -> None:
    store = open_store(tmp_path)
    with pytest.raises(error):
        put(start(store), key("a"), value)
    with pytest.raises(error):
        put(start(store), key("a"), 1, meta={"mx": value})
    assert list_checkpoints(store, SCRIPT) == []


def test_hits_are_written_once_at_the_end(tmp_path: Path) -> None:
    store, clock = open_store(tmp_path), Clock()
    put(start(store), key("a"), 1)
    put(start(store), key("b"), 2)
    store.close()

    store = open_store(tmp_path, clock)
    checkpoints = start(store).checkpoints
    written: list[str] = []
    store.connection._raw.set_trace_callback(written.append)
    for _ in range(3):
        checkpoints.look_up(key("a"), VALIDITY, 4)
        clock.advance(1)
    checkpoints.look_up(key("b"), VALIDITY, 5)
    assert not any(sql.lstrip().startswith(("UPDATE", "INSERT", "BEGIN")) for sql in written)
    store.close()
    assert sum(sql.startswith("BEGIN") for sql in written) == 1

    a, b = list_checkpoints(open_store(tmp_path), SCRIPT)
    assert (a.hits, a.last_hit, a.seq) == (3, "2026-01-02T03:04:07.000+00:00", 4)
    assert (b.hits, b.seq) == (1, 5)


def test_a_run_without_hits_ends_without_a_write(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    start(store)
    written: list[str] = []
    store.connection._raw.set_trace_callback(written.append)
    store.close()
    assert written == []


def test_a_stale_or_marked_answer_counts_no_hit(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    execution = start(store)
    put(execution, key("a"), 1)
    execution.checkpoints.look_up(key("a"), {}, 0)
    execution.resume.mark_all()
    execution.checkpoints.look_up(key("a"), VALIDITY, 0)
    execution.checkpoints.flush()
    assert [entry.hits for entry in list_checkpoints(store, SCRIPT)] == [0]


def test_a_summary_says_where_an_answer_comes_from(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    of = make_key("lib.mld", "ask", ["q"], ((2, "h"),), 7)
    put(
        start(store),
        of,
        "é",
        preview="q" * 300 + "\ud800",
        phase="p",
        site=2,
        place="l:1:1",
        seq=9,
        meta={"m": 1},
    )
    [entry] = list_checkpoints(store, SCRIPT)
    assert (entry.key, entry.module, entry.fn, entry.sample) == (of.digest, "lib.mld", "ask", 7)
    assert (entry.site, entry.place, entry.phase, entry.seq) == (2, "l:1:1", "p", 9)
    assert (entry.preview, entry.bytes, entry.ms) == ("q" * 160, 4, 12)
    assert (entry.validity, entry.meta, entry.run, entry.state) == (VALIDITY, {"m": 1}, "r1", "live")


@pytest.mark.parametrize(
    ("args", "attempts", "sample", "reason"),
    [
        (["a", "b"], (), 0, "argument 2 changed"),
        (["a"], (), 0, "argument 2 changed"),
        (["a", "x", 1], (), 0, "argument 3 changed"),
        (["z", "z"], (), 0, "argument 1, argument 2 changed"),
        (["a", "x"], ((2, "h"),), 0, "retry changed"),
        (["a", "x"], (), 3, "sample changed"),
    ],
)
def test_a_miss_is_explained_by_the_most_similar_call(
    tmp_path: Path, args: list[Any], attempts: tuple[tuple[int, str], ...], sample: int, reason: str
) -> None:
    execution = start(open_store(tmp_path))
    put(execution, key("a", "x"), 1)
    put(execution, key("q", "r"), 1)
    assert execution.checkpoints.explain(make_key(SCRIPT, "review", args, attempts, sample)) == reason


def test_the_first_call_of_a_function_is_explained_as_such(tmp_path: Path) -> None:
    execution = start(open_store(tmp_path))
    put(execution, key("a"), 1, validity={})
    assert execution.checkpoints.explain(key("a", function="other")) == "first call of the function"


def test_texts_that_sqlite_cannot_hold_do_no_harm(tmp_path: Path) -> None:
    execution = start(open_store(tmp_path))
    put(execution, key("\ud800"), "\udfff\0", first_arg="\ud800" * 2000, preview="\ud800", deps={})
    hit = execution.checkpoints.look_up(key("\ud800"), VALIDITY, 0)
    assert isinstance(hit, Hit)
    assert hit.value == "\udfff\0"
