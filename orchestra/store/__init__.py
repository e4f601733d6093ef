"""What a project remembers: runs, answers of labelled calls, model calls. `Store` is the way in."""

from orchestra.store.calls import CallRow, Calls
from orchestra.store.checkpoints import Checkpoints, Hit, Miss, Stale, StoredFile, WrittenFile
from orchestra.store.decisions import Decisions, PredicateRow, TransformRow
from orchestra.store.keys import ELSEWHERE, Key, make_key
from orchestra.store.overlay import Overlay
from orchestra.store.reasons import Reason, Story
from orchestra.store.requests import Answer, Requests, code_digest
from orchestra.store.runs import Execution
from orchestra.store.spending import Amount, Spending, Standing
from orchestra.store.store import Store
from orchestra.store.values import Codec, NotStored, SecretValue, Uncacheable

__all__ = [
    "ELSEWHERE",
    "Amount",
    "Answer",
    "CallRow",
    "Calls",
    "Checkpoints",
    "Codec",
    "Decisions",
    "Execution",
    "Hit",
    "Key",
    "Miss",
    "NotStored",
    "Overlay",
    "PredicateRow",
    "Reason",
    "Requests",
    "SecretValue",
    "Spending",
    "Stale",
    "Standing",
    "Store",
    "StoredFile",
    "Story",
    "TransformRow",
    "Uncacheable",
    "WrittenFile",
    "code_digest",
    "make_key",
]
