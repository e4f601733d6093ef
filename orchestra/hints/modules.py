"""Advice about what leads outside: imports, exports, commands, output and checkpoints."""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import BEGIN, END, Pattern

__all__ = ["PATTERNS"]

PATTERNS: Final = (
    # ── imports ──
    Pattern(
        "E605",
        r"(?P<fault>mcp)\b",
        "importing tools of a server is not offered by this version",
        "write a function that calls the server: exe @name(x) = cmd {{…}}",
        before=r"\bimport[ \t]+tools\b[^\n]*\bfrom[ \t]+",
    ),
    Pattern(
        "E605",
        r"(?P<fault>mcp)\b",
        "tools of a server are not offered by this version",
        "list functions that call the server: var tools @t = {{ name: @function }}",
        before=r"\bvar[ \t]+tools\b[^\n=]*=[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<fault>\*)[ \t]*(?:as[ \t]+@?(?P<alias>\w+)[ \t]+)?(?:from[ \t]+)?(?P<source>[^\s]*)",
        "a whole module is imported under a name",
        "import {source} as @m",
        before=r"\bimport[ \t]+",
    ),
    Pattern(
        "E109",
        r"\}[ \t]*(?:from[ \t]+)?(?P<source>[^\s]*)",
        "a whole module is imported under a name",
        "import {source} as @m",
        before=r"\bimport[ \t]*\{[ \t]*(?P<fault>\*)[ \t]*",
    ),
    Pattern(
        "E109",
        r"from[ \t]+(?P<source>[^\s]+)",
        "imported names stand in braces",
        "import {{ {name} }} from {source}",
        before=r"\bimport[ \t]+(?P<fault>(?P<name>@[\w-]+))[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<fault>from)[ \t]+(?P<source>[^\s]+)[ \t]+import[ \t]+(?P<name>\w+)?",
        "an import begins with import",
        'import {{ @{name} }} from "./{source}.mld"',
        before=BEGIN,
    ),
    Pattern(
        "E109",
        r"(?P<fault>(?P<name>[A-Za-z_][\w.]*))[ \t]*(?:as[ \t]+\w+[ \t]*)?$",
        "an import names a file in quotes or a module with @",
        'import "./{name}.mld" as @{name}',
        before=r"\bimport[ \t]+",
    ),
    Pattern(
        "E109",
        r"(?P<fault>(?P<path>\.{0,2}/[^\s]+|[\w-]+\.mld[\w.]*))",
        "a path is written in quotes",
        'from "{path}"',
        before=r"\bfrom[ \t]+",
    ),
    Pattern(
        "E101",
        r"(?P<source>[\"'`<@][^\n]*)",
        "from is missing before the module",
        "import {names} from {source}",
        before=r"\bimport[ \t]*(?P<names>\{[^}\n]*\})[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<fault>require|include|use|using|load|source)\b[ \t]*\(?[ \t]*(?P<source>[\"'][^\n\"']*[\"'])",
        "{fault} is written import",
        "import {{ @name }} from {source}",
        before=BEGIN,
    ),
    Pattern(
        "E109",
        r"(?P<fault>(?:(?:default|const|let|var|exe|function)[ \t]+)?@?(?P<name>[A-Za-z_][\w-]*))",
        "exported names stand in braces, after their definition",
        "export {{ @{name} }}",
        before=r"\bexport[ \t]+",
    ),
    # ── commands ──
    Pattern(
        "E109",
        r"(?P<fault>(?!cmd\b|sh\b|bash\b|js\b|py\b|node\b)[A-Za-z./][^\n]*)",
        "a command is written in braces",
        "run cmd {{{fault}}}",
        before=r"\brun[ \t]+",
    ),
    Pattern(
        "E109",
        r"(?P<fault>cmd|sh|bash|js|node|py|python)[ \t]+(?P<quote>[\"'`])(?P<code>[^\n]*?)(?P=quote)",
        "the code after {fault} stands in braces",
        "{fault} {{{code}}}",
        before=r"(?:[=;\[(]|^|\brun\b|=>)[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<fault>cmd|sh|bash|js|node|py|python)[ \t]+(?![\w./-]+\.\w)(?P<code>[^\n{]+)",
        "the code after {fault} stands in braces",
        "{fault} {{{code}}}",
        before=r"(?:[=;\[(]|^|\brun\b|=>)[ \t]*",
    ),
    # ── output ──
    Pattern(
        "E109",
        r">[ \t]*(?P<target>[\"'`@][^\n;]*)",
        "to is missing before the target",
        "{word} {value} to {target}",
        before=r"\b(?P<word>output|append)[ \t]+(?P<value>[^\n]+?)[ \t]*(?P<fault>[-=])",
    ),
    Pattern(
        "E109",
        r"(?:>{1,2}|in\b|into\b|->|,)?[ \t]*(?P<target>[\"'`@][^\n;]*)",
        "to is missing before the target",
        "{word} {value} to {target}",
        before=r"\b(?P<word>output|append)[ \t]+(?P<value>[^\s|]+|[\"'`][^\n\"'`]*[\"'`])[ \t]*",
        wants="_TO",
    ),
    Pattern(
        "E109",
        END,
        "to is missing before the target",
        "{word} {value} to {target}",
        before=r"\b(?P<word>output|append)[ \t]+(?P<value>[^\n>]+?)[ \t]*(?P<fault>>>?)[ \t]*(?P<target>.+)",
        wants="_TO",
    ),
    Pattern(
        "E101",
        END,
        "{word} does not say where to write",
        '{word} {value} to "file.txt"',
        before=r"\b(?P<word>output|append)[ \t]+(?P<value>[^\n]+?)[ \t]*",
        wants="_TO",
    ),
    Pattern(
        "E101",
        END,
        "{word} has nothing to show",
        '{word} "text" or {word} @value',
        before=r"\b(?P<word>show)[ \t]*",
    ),
    # ── checkpoints ──
    Pattern(
        "E101",
        r"(?P<fault>\()[ \t]*(?P<name>[\"'`][^\n\"'`]*[\"'`])",
        "the name of a checkpoint stands without parentheses",
        "checkpoint {name}",
        before=r"\bcheckpoint[ \t]*",
    ),
    Pattern(
        "E101",
        r"(?P<fault>@?[A-Za-z_][\w.-]*)",
        "the name of a checkpoint is a text",
        'checkpoint "name", or checkpoint `{fault}` with a variable in it',
        before=r"\bcheckpoint[ \t]+",
    ),
)
