"""A file or page that has been read, as the value a script gets: whole, or the parts a selector asks for.

Reading it is the loader's and the web's business, finding the parts that of `sections` and `definitions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from orchestra.errors import OrchError
from orchestra.runtime.files.facts import TextFacts
from orchestra.runtime.files.sections import pick, titles
from orchestra.runtime.files.selectors import Code, CodeNames, Sections, Selector, Titles
from orchestra.values.tagged import Meta, Tagged, Value, meta_of, unwrap

__all__ = ["Document", "select", "select_each"]

BLANK_LINE = "\n\n"


@dataclass(frozen=True, slots=True)
class Document:
    """`name` is what messages call it; `meta` holds labels, taint and sources only."""

    name: str
    facts: TextFacts
    meta: Meta

    @property
    def text(self) -> str:
        return self.facts.text

    def value(self) -> Tagged:
        """The data with its facts; the original text is kept beside data that was parsed."""
        data = self.facts.data
        return self._tagged(data, None if data is self.text else self.text, self.facts)

    def piece(self, text: str, **own: Any) -> Tagged:
        """A part of the text, with facts of its own besides those of the document."""
        return self._tagged(text, None, self.facts.of_piece(text, own))

    def listing(self, items: list[Any], texts: Iterable[str]) -> Tagged:
        """An array that came out of the document, shown as `texts` with blank lines between."""
        text = BLANK_LINE.join(texts)
        return self._tagged(items, text, self.facts.of_piece(text, {"data": items}))

    def _tagged(self, data: Value, text: str | None, facts: TextFacts) -> Tagged:
        return Tagged(data, Meta(self.meta.labels, self.meta.taint, self.meta.sources, text, facts))


def select(document: Document, selector: Selector | None) -> Tagged:
    """What a load of one document gives. E404 for a missing section, E405 for a selector that cannot fit."""
    if selector is None:
        return document.value()
    if isinstance(selector, Sections):
        text, taken = pick(document.text, selector, document.name)
        return document.piece(text, sections=taken)
    if isinstance(selector, Code):
        pieces = _definitions(document, selector)
        return document.listing(pieces, (unwrap(piece) for piece in pieces if piece is not None))
    names = _names(document, selector)
    return document.listing(list(names), names)


def select_each(documents: Sequence[Document], selector: Selector | None) -> Tagged:
    """What a load of several documents gives: one array, documents without a match left out."""
    if isinstance(selector, Titles | CodeNames):
        return _array([_named(document, _names(document, selector)) for document in documents])
    if isinstance(selector, Code):
        found = chain.from_iterable(_definitions(document, selector) for document in documents)
        return _array([piece for piece in found if piece is not None], documents)
    if isinstance(selector, Sections):
        return _array([value for value in (_or_none(d, selector) for d in documents) if value is not None])
    return _array([document.value() for document in documents])


def _array(items: list[Any], documents: Sequence[Document] = ()) -> Tagged:
    """An array that shows its elements with blank lines between them and carries what flows from all."""
    metas = [meta_of(item) for item in items] + [document.meta for document in documents]
    texts = [_text(item) for item in items]
    return Tagged(
        items,
        Meta(
            tuple(dict.fromkeys(chain.from_iterable(meta.labels for meta in metas))),
            tuple(dict.fromkeys(chain.from_iterable(meta.taint for meta in metas))),
            tuple(dict.fromkeys(chain.from_iterable(meta.sources for meta in metas))),
            BLANK_LINE.join(text for text in texts if text is not None) if None not in texts else None,
        ),
    )


def _text(item: Tagged) -> str | None:
    if item.meta.text is not None:
        return item.meta.text
    return item.data if isinstance(item.data, str) else None


def _or_none(document: Document, selector: Sections) -> Tagged | None:
    try:
        value = select(document, selector)
    except OrchError as error:
        if error.code != "E404":
            raise
        return None
    return value if value.data else None


def _named(document: Document, names: list[str]) -> Tagged:
    facts = document.facts
    found = {
        "names": names,
        "file": facts["filename"],
        "relative": facts["relative"],
        "absolute": facts["absolute"],
    }
    return Tagged(found, document.meta)


def _names(document: Document, selector: Titles | CodeNames) -> list[str]:
    if isinstance(selector, Titles):
        return titles(document.text, selector.level)
    from orchestra.runtime.files.definitions import names_of

    return names_of(document.text, document.facts.suffix, selector, document.name)


def _definitions(document: Document, selector: Code) -> list[Tagged | None]:
    from orchestra.runtime.files.definitions import find

    found = find(document.text, document.facts.suffix, selector, document.name)
    return [document.piece(d.code, name=d.path, kind=d.kind, line=d.line) if d else None for d in found]
