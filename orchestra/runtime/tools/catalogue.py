"""The built-in tools as models see them: what they are for and what they take, as data.

What they do stands in `files`, `search` and `shell`.
"""

from __future__ import annotations

from typing import Any

__all__ = ["CATALOGUE"]

TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 1}


def _tool(description: str, required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {name.replace("context", "-C"): kind for name, kind in properties.items()},
        "required": required,
        "additionalProperties": False,
    }
    return {"description": description, "input_schema": schema}


CATALOGUE: dict[str, dict[str, Any]] = {
    "Read": _tool(
        "Reads a text file and gives its lines with their numbers, at most 2000 at a time.",
        ["file_path"],
        file_path=TEXT,
        offset={**COUNT, "description": "first line, from 1"},
        limit={**COUNT, "description": "number of lines"},
    ),
    "Write": _tool(
        "Writes a file, replacing what was in it. Folders are created.",
        ["file_path", "content"],
        file_path=TEXT,
        content=TEXT,
    ),
    "Edit": _tool(
        "Replaces a piece of text in a file. It must occur exactly once unless replace_all is set.",
        ["file_path", "old_string", "new_string"],
        file_path=TEXT,
        old_string=TEXT,
        new_string=TEXT,
        replace_all={"type": "boolean"},
    ),
    "Glob": _tool(
        "Lists files whose path matches a pattern such as src/**/*.py, newest first.",
        ["pattern"],
        pattern=TEXT,
        path={**TEXT, "description": "folder to look in"},
    ),
    "Grep": _tool(
        "Searches files for a regular expression (Python dialect).",
        ["pattern"],
        pattern=TEXT,
        path={**TEXT, "description": "file or folder to search in"},
        glob={**TEXT, "description": "only files whose name or path matches"},
        output_mode={"enum": ["files_with_matches", "content", "count"]},
        context={"type": "integer", "minimum": 0, "maximum": 100, "description": "lines around each hit"},
    ),
    "Bash": _tool(
        "Runs a command in a fresh shell in the working folder and gives its exit code and output.",
        ["command"],
        command=TEXT,
        timeout={
            "type": "number",
            "exclusiveMinimum": 0,
            "description": "seconds, 120 if absent, at most 600",
        },
    ),
}
