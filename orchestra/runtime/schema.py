"""Answers that must have a given form: finding the JSON in them, checking it, and saying what is wrong.

Asking the model again is the business of the conversation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jsonschema import FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from orchestra.errors import OrchError

__all__ = ["NO_JSON", "candidate", "instruction", "load_schema", "problems", "repair_message"]

MOST_PROBLEMS = 10
NO_JSON = "there is no JSON in the answer"
FENCE = re.compile(r"^[ \t]*```[^\n]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)

FORMATS: Final = FormatChecker()

Schema = dict[str, Any]


@FORMATS.checks("date-time")
def _is_moment(value: object) -> bool:
    """Date, `T`, time and zone; the library leaves this one to another."""
    if not isinstance(value, str):
        return True
    try:
        return "T" in value.upper() and datetime.fromisoformat(value.upper()).tzinfo is not None
    except ValueError:
        return False


def load_schema(schema: Schema | str, root: Path) -> Schema:
    """The schema itself, or the one in the JSON file it names relative to `root`. Raises E713."""
    if isinstance(schema, str):
        schema = _read(schema, root)
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        raise OrchError("E713", f"the schema is wrong at {_pointer(error)}: {error.message}") from None
    _check_references(schema)
    return schema


def _check_references(schema: Schema) -> None:
    """E713 for a `$ref` that leads out of the schema or to nothing in it; nothing is fetched."""
    resolver = Registry().resolver_with_root(Resource.from_contents(schema, default_specification=DRAFT202012))
    for part in _objects(schema):
        if "$id" in part and part is not schema:
            return  # its references count from there, and are looked up when they are used
    for reference in [part["$ref"] for part in _objects(schema) if isinstance(part.get("$ref"), str)]:
        try:
            resolver.lookup(reference)
        except Unresolvable:
            raise _unresolved(reference) from None


def _objects(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        yield data
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from _objects(item)


def _unresolved(reference: str) -> OrchError:
    help = "put what it refers to under $defs, and write #/$defs/NAME"
    return OrchError("E713", f'the schema refers to "{reference}", which is not in it', help=help)


def _read(name: str, root: Path) -> Schema:
    try:
        schema = json.loads((root / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise OrchError("E713", f'the schema "{name}" cannot be read: {error.strerror}') from None
    except ValueError as error:
        raise OrchError("E713", f'the schema "{name}" is not JSON: {error}') from None
    if not isinstance(schema, dict):
        raise OrchError("E713", f'the schema "{name}" must be an object')
    return schema


def instruction(schema: Schema) -> str:
    """What is added to the prompt."""
    text = json.dumps(schema, ensure_ascii=False, indent=2)
    return f"\n\nAnswer with JSON only, without any other text. It must be valid against this JSON Schema:\n\n{text}\n"


def candidate(text: str) -> tuple[str, Any] | None:
    """The JSON of an answer and its value.

    It is the whole text, else the first fenced block, else the first object or array that closes.
    """
    fenced = FENCE.search(text)
    for part in (text, fenced[1] if fenced else None):
        if part is not None:
            try:
                return part.strip(), json.loads(part)
            except (ValueError, RecursionError):
                continue
    return _first_balanced(text)


def _first_balanced(text: str) -> tuple[str, Any] | None:
    decoder = json.JSONDecoder()
    for opening in re.finditer(r"[{\[]", text):
        try:
            value, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        return text[opening.start() : end], value
    return None


def problems(schema: Schema, document: Any) -> list[str]:
    """Everything that is wrong with `document`, by its place: `/items/3/score: 12 is greater than …`."""
    validator = validator_for(schema, default=Draft202012Validator)(schema, registry=Registry(), format_checker=FORMATS)
    try:
        found = list(validator.iter_errors(document))
    except Unresolvable as error:
        raise _unresolved(str(error.ref)) from None
    errors = sorted(found, key=lambda error: [str(part) for part in error.absolute_path])
    return [f"{_pointer(error)}: {error.message}" for error in errors]


def _pointer(error: ValidationError | SchemaError) -> str:
    return "/" + "/".join(str(part) for part in error.absolute_path)


def repair_message(found: list[str]) -> str:
    """What is said to a model whose answer is wrong; also the hint of the final error."""
    lines = [f"- {problem}" for problem in found[:MOST_PROBLEMS]]
    if len(found) > MOST_PROBLEMS:
        lines.append(f"- and {len(found) - MOST_PROBLEMS} more")
    return (
        "The answer does not fit the schema:\n" + "\n".join(lines) + "\nGive the whole corrected answer as JSON only."
    )
