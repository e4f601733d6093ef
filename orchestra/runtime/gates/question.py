"""What may be answered at a gate, and which decision the words of a person are. No model is asked.

Where an answer comes from and where it goes is left to `keeper` and to the command line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from orchestra.runtime.schema import load_schema, problems
from orchestra.values.text import template_text

__all__ = ["Question"]

# What can be decided where a script names no options.
DEFAULT: Final = {"approve": ["approved", "go ahead", "proceed"], "reject": ["rejected"]}


@dataclass(frozen=True, slots=True)
class Question:
    """options: each decision with the other words that are accepted for it.

    multi:  several of them can be chosen, or none
    free:   any text is an answer
    schema: of an answer that is data, or None
    """

    options: Mapping[str, Sequence[str]] = field(default_factory=lambda: DEFAULT)
    multi: bool = False
    free: bool = False
    schema: Any = None

    @classmethod
    def of(cls, options: Any, accept: Any, multi: bool, free: bool, schema: Any, root: Path) -> Question:
        """What a script asks. Raises ValueError for what is no question, E713 for a schema that is none."""
        free = free or schema is not None
        if free and (options is not None or multi):
            raise ValueError("a gate has options or takes free text, not both")
        if free:
            return cls({}, False, True, None if schema is None else load_schema(schema, root))
        return cls(_distinct(_accepting(_options(options), accept)), multi)

    @classmethod
    def from_rules(cls, rules: str) -> Question:
        return cls(**json.loads(rules))

    @property
    def rules(self) -> str:
        """The form in which the store keeps it."""
        kept = {"options": self.options, "multi": self.multi, "free": self.free, "schema": self.schema}
        return json.dumps(kept, ensure_ascii=False)

    @property
    def shape(self) -> list[Any]:
        """What an answer is bound to besides the content: other words for an option may come later."""
        return [list(self.options), self.multi, self.free, self.schema]

    @property
    def choices(self) -> str:
        """What can be answered, as messages say it."""
        if self.free:
            return "any text" if self.schema is None else "what fits the schema"
        words = list(self.options)
        if self.multi:
            return "any of " + ", ".join(words)
        return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]

    def read(self, words: Sequence[str]) -> Any:
        """The decision that `words` are. Raises ValueError with what is accepted instead."""
        if self.free:
            return self._free(" ".join(words).strip())
        if self.multi:
            return self._several(list(_listed(words)))
        found = self._word(" ".join(words))
        if found is None:
            raise ValueError(f"not a decision; use {self.choices}")
        return found

    def encoded(self, decision: Any) -> str:
        """The decision as the store keeps it."""
        plain_text = isinstance(decision, str) and self.schema is None
        return decision if plain_text else json.dumps(decision, ensure_ascii=False)

    def decoded(self, stored: str) -> Any:
        return json.loads(stored) if self.multi or self.schema is not None else stored

    def _word(self, written: str) -> str | None:
        plain = _plain(written)
        return next((word for word, also in self.options.items() if plain in map(_plain, (word, *also))), None)

    def _several(self, written: list[str]) -> list[str]:
        found = [self._word(word) for word in written]
        wrong = [word for word, decision in zip(written, found, strict=True) if decision is None]
        if wrong:
            raise ValueError(f'"{wrong[0]}" is not among the options; use {self.choices}, with commas between')
        return [word for word in self.options if word in found]

    def _free(self, text: str) -> Any:
        if self.schema is None:
            if not text:
                raise ValueError("the answer is empty")
            return text
        value = _data(text, self.schema)
        wrong = problems(self.schema, value)
        if wrong:
            raise ValueError(f"the answer does not fit: {wrong[0]}")
        return value


def _options(options: Any) -> dict[str, list[str]]:
    if options is None:
        return {word: list(also) for word, also in DEFAULT.items()}
    if isinstance(options, list) and options and all(isinstance(word, str) for word in options):
        return {word: [] for word in options}
    if isinstance(options, dict) and options:
        return {word: _synonyms(also) for word, also in options.items()}
    raise ValueError("the options of a gate are a list of words, or an object of words and what is accepted for them")


def _synonyms(also: Any) -> list[str]:
    if also in (None, True):
        return []
    return [also] if isinstance(also, str) else [template_text(word) for word in also]


def _accepting(options: dict[str, list[str]], accept: Any) -> dict[str, list[str]]:
    """With further words: of each option in an object, or in a list of the first option."""
    if accept is None:
        return options
    more = accept if isinstance(accept, dict) else {next(iter(options)): accept}
    unknown = next((word for word in more if word not in options), None)
    if unknown is not None:
        raise ValueError(f'accept names "{unknown}", which is no option')
    return {word: [*also, *_synonyms(more.get(word))] for word, also in options.items()}


def _distinct(options: dict[str, list[str]]) -> dict[str, list[str]]:
    """The options, if each word means one of them."""
    seen: dict[str, str] = {}
    for word, also in options.items():
        for written in (word, *also):
            plain = _plain(written)
            if not plain:
                raise ValueError("an option of a gate is empty")
            if seen.setdefault(plain, word) != word:
                raise ValueError(f'"{written}" is accepted for {seen[plain]} and for {word}')
    return options


def _plain(written: str) -> str:
    """Upper case, blanks, quotes and a full stop make no difference."""
    return re.sub(r"\s+", " ", written).strip(" \"'`.!").casefold()


def _listed(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        yield from (part.strip() for part in re.split(r"[,\n]", word) if part.strip())


def _data(text: str, schema: Any) -> Any:
    """The answer as data: text where the schema wants text, else JSON."""
    if isinstance(schema, dict) and schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
