"""Looks for documents: which of the library say anything about the question, and why the rest is left out."""

from __future__ import annotations

from standin.dialogue import Answer, Call, Talk, grep, matching_lines
from standin.reading import place, points, stem


def discover(prompt: str) -> Talk:
    """Search the library for the place and for the first term of each point."""
    where = place(prompt)
    firsts = sorted({stem(point.terms[0]) for point in points(prompt)})
    listed, named, touched = yield [
        Call("Glob", {"pattern": "**/*.md", "path": "."}),
        grep(rf"\b{where}\b", ".", "*.md"),
        grep(rf"(?i)\b({'|'.join(firsts)})", ".", "*.md"),
    ]
    files = sorted(row.removeprefix("./") for row in listed.text.splitlines() if row.endswith(".md"))
    about = {line.file for line in matching_lines(named)}
    relevant = {line.file for line in matching_lines(touched)}
    chosen = [file for file in files if file in about and file in relevant]
    out = [
        {"path": file, "why": f"does not name {where}" if file not in about else "none of the terms occurs in it"}
        for file in files
        if file not in chosen
    ]
    return Answer({"chosen": chosen, "leftOut": out}, f"{len(chosen)} of {len(files)} documents say something.")
