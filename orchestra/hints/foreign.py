"""Words with which statements begin in other languages, and what is written for them here."""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import BEGIN, NAME, REST, Pattern
from orchestra.scan.words import STATEMENTS

__all__ = ["PATTERNS"]

PRINTING: Final = r"print(?:ln|f)?|puts|echo|console\.(?:log|info|warn|error)|write|say|display"


def _word(words: str, after: str, message: str, help: str, inside: str = "") -> Pattern:
    """Advice for a statement that begins with one of some words."""
    return Pattern("E109", rf"(?P<fault>{words})\b{after}", message, help, before=BEGIN, inside=inside)


PATTERNS: Final = (
    Pattern(
        "E109",
        r"(?![=.+])(?P<rest>[^\n;]*)",
        "{word} is a word of the language and carries no @",
        "{word} {rest}",
        before=rf"{BEGIN}(?P<fault>@(?P<word>{'|'.join(sorted(STATEMENTS))}))[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<fault>llm|pure|recursive|secret|untrusted|[a-z]+:[\w:]+)[ \t]+(?P<word>exe|var)\b[ \t]*" + REST,
        "labels stand after {word}",
        "{word} {fault} {rest}",
        before=BEGIN,
    ),
    Pattern(
        "E109",
        r"(?P<command>[a-z][^\n;\]]*)",
        "a command is run with run cmd",
        "run cmd {{{command}}}",
        before=rf"{BEGIN}(?P<fault>!)[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<text>[^\n]*)",
        "text stands in quotes or in a template",
        "show `{tag}{text}`",
        before=rf"{BEGIN}(?P<fault>(?P<tag><[A-Za-z_]\w*>))[ \t]*",
    ),
    _word(
        "write|save|print",
        r"[ \t]+(?P<value>[^\n]+?)[ \t]+(?:to|into|>)[ \t]+(?P<target>[^\n;]+)",
        "{fault} is written output",
        "output {value} to {target}",
    ),
    Pattern(
        "E109",
        r"(?P<fault>run)[ \t]+(?P<lang>sh|bash|js|node|py|python|javascript)\b",
        "run is a statement; code that gives a value stands without it",
        "= {lang} {{ … }}",
        before=r"=[ \t]*",
    ),
    _word(
        "const|let|val|my|local",
        rf"[ \t]+(?P<name>{NAME})[ \t]*=[ \t]*\(?(?P<params>\w+(?:,[ \t]*\w+)*)?\)?[ \t]*=>[ \t]*{REST}",
        "a function is defined with exe",
        "exe @{name}({params}) = {rest}",
    ),
    _word(
        "const|final|val|my|local|global|set|int|str|string|float|bool|auto|dim",
        rf"[ \t]+[@$]?(?P<name>{NAME})[ \t]*:?=(?!=)[ \t]*{REST}",
        "{fault} is not a word of this language, {bind} binds a variable",
        "{bind} @{name} = {rest}",
    ),
    _word(
        "def|function|func|fn|fun|sub|proc|lambda",
        rf"[ \t]+[@$]?(?P<name>{NAME})[ \t]*(?P<params>\([^)\n]*\))?",
        "{fault} is not a word of this language, exe defines a function",
        "exe @{name}{params} = [ … ]",
        inside="top",
    ),
    _word(
        "def|function|func|fn|fun|sub|proc|lambda",
        rf"[ \t]+[@$]?(?P<name>{NAME})[ \t]*(?P<params>\([^)\n]*\))?",
        "a function is defined with exe, at the top level",
        "exe @{name}{params} = [ … ] outside of the block",
    ),
    _word(
        r"ls|cd|cat|npm|git|curl|pip|make|grep|find|mkdir|rm|cp|mv|sudo|(?:python3?|node)(?= [\w./-]+\.\w)",
        r"[ \t]+(?P<args>[^\n;\]]+)",
        "a command is run with run cmd",
        "run cmd {{{fault} {args}}}",
    ),
    _word("return|yield", r"[ \t]*" + REST, "{fault} is written =>", "=> {rest}"),
    _word(
        PRINTING,
        rf"[ \t]*\([ \t]*(?P<name>{NAME})[ \t]*\)",
        "{fault} is written show",
        "show @{name}",
    ),
    _word(
        PRINTING,
        r"[ \t]*(?:\([ \t]*(?P<call>[^\n]*?)\)[ \t]*;?[ \t]*(?=\]|$)|(?P<text>[^\n]*))",
        "{fault} is written show",
        "show {call}{text}",
    ),
    _word(
        "raise|die|panic|abort",
        r"[ \t]*\(?(?:\w+\()?(?P<reason>[\"'`][^\n\"'`]*[\"'`])?",
        "{fault} is written throw or bail",
        "bail {reason}",
    ),
    _word(
        "exit|quit",
        r"[ \t]*\(?[ \t]*(?P<status>\w*)",
        "{fault} is written => or bail",
        '=> ends the script, bail "reason" fails it',
    ),
    _word("pass|noop", "", "an empty block needs no word in it", "[ ]"),
    _word("except|rescue", r"[ \t]*(?P<name>\w+)?", "{fault} is written catch", "] catch @error [ … ]"),
    _word(
        "switch|match|select",
        r"[ \t]*\(?[ \t]*@?(?P<subject>[\w.]+)",
        "{fault} is written when",
        'when @{subject} [ "a" => … ]',
    ),
    _word("unless", r"[ \t]+(?P<cond>[^\n\[{]*)", "{fault} is written if with !", "if !({cond}) [ … ]"),
    _word("await|async|go|spawn", r"[ \t]+" + REST, "calls wait for their result by themselves", "{rest}"),
    _word(
        "class|struct|interface|type|enum|record",
        rf"[ \t]+(?P<name>{NAME})",
        "there is no {fault}; data is an object, behaviour a function",
        "var @{name} = {{ … }}, exe @f({name}) = …",
    ),
    _word("del|delete|unset", r"[ \t]+" + REST, "variables are not deleted", "leave it out"),
    _word("assert", r"[ \t]+" + REST, "{fault} is written if and bail", 'if !({rest}) [ bail "reason" ]'),
    _word("call|invoke", r"[ \t]+@?" + REST, "a call needs no word before it", "@{rest}"),
    _word("pipe", r"[ \t]+" + REST, "a pipeline begins with its value", "@value | @stage"),
    _word(
        "prompt|ask|llm|agent",
        r"[ \t]+(?P<text>[\"'`])",
        "a model is asked by a function",
        'exe llm @ask(question) = …, then @ask("…")',
    ),
    Pattern(
        "E109",
        r"(?P<fault>new)\b[ \t]*\w*[ \t]*\(?(?P<message>[\"'`][^\n\"'`]*[\"'`])?",
        "an error is any value, without new",
        "throw {message}",
        before=r"\bthrow[ \t]+",
    ),
)
