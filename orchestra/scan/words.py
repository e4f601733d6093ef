"""The vocabulary: which words and signs the language has, and what must follow for a word to count as one."""

from __future__ import annotations

import re
from typing import Final

NAME: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_]|-(?=[A-Za-z0-9_]))*")
NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
BARE_PATH: Final = re.compile(r"[^\s;\])|]+")
MODULE: Final = re.compile(r"@[A-Za-z_][\w-]*(?:/[\w.-]+)*(?:@[^\s\])}]+)?|<[^>\n]+>")
CONTINUES: Final = re.compile(r"\|(?!\|)|\|\||\.[A-Za-z_][\w-]*\(|&&|\?\?|[?:](?=\s)|(?:else|catch|finally)\b")
FIELD: Final = re.compile(r"\.(?:[A-Za-z_](?:\w|-(?=\w))*|\d+)")
LABEL: Final = re.compile(r"[A-Za-z_][\w.-]*(?::[\w*.-]+)*")

# Words that begin a statement, at the top level or in blocks.
STATEMENTS: Final = frozenset(
    "var let show log output append run exe if when for loop while bail checkpoint import export file files "
    "box hook guard policy auth sign verify needs profiles stream try throw done continue skip foreach cmd "
    "retry".split()
)
# With these they begin a block after `[`. Elsewhere the two may be labels, and prose in documents.
BEGINNINGS: Final = STATEMENTS | {"gate", "input"}
# Those of them that begin a value as well, so that they can be elements of an array.
VALUES: Final = frozenset("when for foreach loop run cmd gate".split())
DIRECTIVES: Final = STATEMENTS - {"let", "done", "continue", "skip", "retry", "cmd"}

# Word → terminal. The parser's state decides whether a word may be one here.
WORDS: Final[dict[str, str]] = {
    "var": "_VAR",
    "let": "_LET",
    "exe": "_EXE",
    "show": "_SHOW",
    "log": "_LOG",
    "output": "_OUTPUT",
    "append": "_APPEND",
    "run": "_RUN",
    "if": "_IF",
    "else": "_ELSE",
    "when": "_WHEN",
    "first": "_FIRST",
    "none": "_NONE",
    "for": "_FOR",
    "in": "_IN",
    "parallel": "_PARALLEL",
    "foreach": "_FOREACH",
    "reduce": "_REDUCE",
    "loop": "_LOOP",
    "until": "_UNTIL",
    "endless": "ENDLESS",
    "while": "_WHILE",
    "choose": "_CHOOSE",
    "done": "_DONE",
    "continue": "_CONTINUE",
    "skip": "_SKIP",
    "retry": "_RETRY",
    "bail": "_BAIL",
    "try": "_TRY",
    "catch": "_CATCH",
    "finally": "_FINALLY",
    "throw": "_THROW",
    "checkpoint": "_CHECKPOINT",
    "import": "_IMPORT",
    "export": "_EXPORT",
    "from": "_FROM",
    "as": "_AS",
    "to": "_TO",
    "file": "_FILE",
    "files": "_FILES",
    "hook": "_HOOK",
    "guard": "_GUARD",
    "privileged": "PRIVILEGED",
    "allow": "_ALLOW",
    "deny": "_DENY",
    "denied": "DENIED",
    "policy": "_POLICY",
    "union": "_UNION",
    "auth": "_AUTH",
    "box": "_BOX",
    "env": "_BOX",
    "sign": "_SIGN",
    "by": "_BY",
    "verify": "_VERIFY",
    "gate": "_GATE",
    "input": "_INPUT",
    "git": "_GIT",
    "needs": "_NEEDS",
    "profiles": "_PROFILES",
    "with": "_WITH",
    "template": "_TEMPLATE",
    "new": "_NEW",
    "data": "_DATA",
    "using": "_USING",
    "prose": "_PROSE",
    "agent": "_AGENT",
    "session": "_SESSION",
    "resume": "_RESUME",
    "stream": "_STREAM",
    "cmd": "_CMD",
    "true": "CONSTANT",
    "false": "CONSTANT",
    "null": "CONSTANT",
    "before": "TIMING",
    "after": "TIMING",
    "always": "TIMING",
    "stdout": "STREAM_NAME",
    "stderr": "STREAM_NAME",
    **dict.fromkeys(("js", "javascript", "node", "nodejs", "py", "python", "sh", "bash"), "LANG"),
    **dict.fromkeys(("module", "static", "live", "local", "templates", "cached"), "IMPORT_KIND"),
    **dict.fromkeys(("string", "number", "boolean", "object", "array"), "TYPE"),
}

# Whom a session asks: a name, its fields, a call. A task in quotes or parentheses follows.
_WHOM: Final = r"[ \t]+@[A-Za-z_](?:[\w.]|-(?=\w))*(?:\([^()\n]*\))?[ \t]+[\"'`(]"
ASKS: Final = re.compile(rf"session(?:[ \t]+[\"'`(]|{_WHOM})|resume{_WHOM}")

# What must follow a word for it to be that keyword; elsewhere it is an ordinary word.
FOLLOWED_BY: Final[dict[str, re.Pattern[str]]] = {
    "LANG": re.compile(r"\s*(?:\(|\{|:(?=[^\s:{]))"),
    "_CMD": re.compile(r"\s*(?:\(|\{|:(?=[^\s:{]))"),
    "_TEMPLATE": re.compile(r"\s*[\"'`]"),
    "_PROSE": re.compile(r":\s*@"),
    "_AGENT": re.compile(r"[ \t]+@[A-Za-z_][\w-]*[ \t]*(?:=(?![=>])|>>|<<|;|$)", re.MULTILINE),
    "_SESSION": re.compile(rf"[ \t]+[\"'`(]|{_WHOM}"),
    "_RESUME": re.compile(_WHOM),
    "_DATA": re.compile(r"\s*\{"),
    "_FOREACH": re.compile(r"\s+@"),
    "_REDUCE": re.compile(r"[ \t]+@[A-Za-z_][\w-]*[ \t]*=(?![=>])"),
    "_CHOOSE": re.compile(r"\s+\*\*[^\s*]"),
    "_NEW": re.compile(r"\s+@"),
    "_STREAM": re.compile(r"\s+\S"),
    "_GIT": re.compile(r"\s+[\"'`@]"),
    "_WHILE": re.compile(r"\s*\("),
    "_FOR": re.compile(r"\s+(?:@|parallel\b|\d+\s+parallel\b|\()"),
    "_BOX": re.compile(r"\s*[{\[]|\s+(?:@|with\b)"),
    "_GATE": re.compile(r"\s*[\"'`]|\s+@[\w.-]+\s+with\s*\{"),
    "_INPUT": re.compile(r"\s+(?:[A-Za-z][\w.:-]*,?\s+)*@[A-Za-z_][\w-]*\s+[\"'`]"),
    "_UNION": re.compile(r"\s*\("),
    "DENIED": re.compile(r"\s*(?:=>|&&|\|\||==|!=|\?)|\s+\["),
    "STREAM_NAME": re.compile(r"(?![/.\w])"),
    "IMPORT_KIND": re.compile(r"\s*(?:[\"'`{<@(]|[a-z])"),
}

# After these a value may follow but need not: a line end closes them inside a block.
OPTIONAL_OPERAND: Final = frozenset("_ALLOW _DENY _LOG _DONE _CONTINUE _SKIP _RETRY _BAIL _THROW _ARROW _SHOW".split())

# `output` and one target with nothing after it writes the document; with a value it would go on with `to`.
DOCUMENT_TARGET: Final = re.compile(
    r"[ \t]+(?:\"[^\"\n]+\"|'[^'\n]+'|`[^`\n]+`|stdout|stderr|env(?::\w+)?"
    r"|(?:\.{0,2}/)?[A-Za-z_][\w-]*(?:[./][\w.-]+)+)"
    r"[ \t]*(?:$|[;\]]|>>|<<)",
    re.MULTILINE,
)

# Tokens that end an operand: what follows is an operator, an access or the end.
OPERAND_ENDS: Final = frozenset(
    "DENIED REF NUMBER DURATION FIELD CONSTANT QOPT _QOPT CODE PLACEHOLDER REGEX BARE _RPAR _RSQB _RBRACE _TPL_CLOSE "
    "_CMD_CLOSE _LOAD_CLOSE _PREDICATE_CLOSE KEY NAME ENDLESS".split()
)

PACKAGE_LANGS: Final = frozenset(["node", "py", "python"])
SHADOW_LANGS: Final = frozenset(["js", "javascript", "node", "nodejs", "py", "python"])
