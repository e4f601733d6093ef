"""The examples in the tables of methods and transformers give the results that stand beside them."""

from __future__ import annotations

import re
from typing import Any

import json5
import pytest

from orchestra.regex import Regex
from orchestra.values.builtin import Builtin
from orchestra.values.methods import METHODS, call_method
from orchestra.values.text import template_text
from orchestra.values.transformers import TRANSFORMERS, apply

CALL = re.compile(r"(?P<base>.+)\.(?P<name>\w+)\((?P<args>.*)\)")
STAGE = re.compile(r"(?P<base>.+) \| @(?P<name>\w+)(?:\.(?P<variant>\w+))?")
REGEX = re.compile(r"/(.+)/(\w*)")


def arguments(text: str) -> list[Any]:
    regex = REGEX.fullmatch(text)
    return [Regex.of(regex[1], regex[2])] if regex else json5.loads(f"[{text}]")


def evaluated(example: str) -> Any:
    if stage := STAGE.fullmatch(example):
        return apply(stage["name"], stage["variant"], json5.loads(stage["base"]))
    call = CALL.fullmatch(example)
    assert call, example
    return call_method(json5.loads(call["base"]), call["name"], arguments(call["args"]))


ENTRIES = [entry for methods in METHODS.values() for entry in methods.values()] + list(TRANSFORMERS.values())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.example)
def test_example(entry: Builtin) -> None:
    assert template_text(evaluated(entry.example)) == entry.result
    assert entry.name in entry.example
    assert entry.text[0].islower() or entry.text.startswith(("JSON", "Markdown"))
