"""Code selectors: what counts as a definition in each language, and which ones a pattern means."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestra.errors import OrchError
from orchestra.runtime.files.loader import Loader
from orchestra.runtime.files.selectors import parse_selector
from orchestra.values.tagged import Tagged, plain
from orchestra.values.text import template_text

SHOP = '''\
import os

LIMIT: int = 3
a, b = 1, 2


@frozen
class Cart(Base):
    size = 1

    def total(self):
        """All of it."""
        return add(self.items)

    class Item:
        pass


async def totals(carts):
    def inner():
        pass
    return [Cart.total(c) for c in carts]


if LIMIT:
    def add(xs): return sum(xs)
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def load(root: Path, selector: str, path: str = "shop.py") -> Tagged:
    value = Loader(root).load(path, root, parse_selector(selector))
    assert isinstance(value, Tagged)
    return value


def found(root: Path, selector: str, path: str = "shop.py") -> list[str | None]:
    return [piece.meta.facts["name"] if piece is not None else None for piece in load(root, selector, path).data]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("{ * }", ["LIMIT", "a", "Cart", "totals", "add"]),
        ("{ tot* }", ["Cart.total", "totals"]),
        ("{ total, Cart, nope, totals }", ["Cart.total", "Cart", None, "totals"]),
        ("{ Cart.total, Cart.* }", ["Cart.total", "Cart.total", "Cart.Item"]),
        ("{ Other.total }", [None]),
        ("{ ?dd, *s }", ["add", "totals"]),
        ("{ *a* }", ["a", "Cart", "totals", "add"]),
        ("{ *fn }", ["Cart.total", "totals", "add"]),
        ("{ *class, *var }", ["Cart", "Cart.Item", "LIMIT", "a"]),
        ("{ *trait }", [None]),
        ("{ (add) }", ["Cart.total"]),
        ("{ (sum), (Cart.total) }", ["add", "totals"]),
        ("{ (nothing) }", [None]),
    ],
)
def test_patterns(root: Path, selector: str, names: list[str | None]) -> None:
    assert found(root, selector) == names


def test_pieces_are_texts_that_know_their_place(root: Path) -> None:
    value = load(root, "{ total, nope, add }")
    total, missing, _ = value.data
    assert missing is None
    assert total.data == 'def total(self):\n    """All of it."""\n    return add(self.items)'
    assert {key: total.meta.facts[key] for key in ("name", "kind", "line", "filename")} == {
        "name": "Cart.total",
        "kind": "fn",
        "line": 11,
        "filename": "shop.py",
    }
    assert template_text(value) == f"{total.data}\n\ndef add(xs): return sum(xs)"
    assert plain(load(root, "{ Cart }"))[0].startswith("@frozen\nclass Cart")


def test_names(root: Path) -> None:
    assert plain(load(root, "{ ?? }")) == ["Cart", "LIMIT", "a", "add", "b", "totals"]
    assert plain(load(root, "{ class?? }")) == ["Cart", "Item"]
    assert template_text(load(root, "{ fn?? }")) == "add\n\ntotal\n\ntotals"


def test_several_files(root: Path) -> None:
    (root / "b.py").write_text("def totals(): pass\n")
    value = load(root, "{ totals, nope }", "*.py")
    assert [piece.meta.facts["filename"] for piece in value.data] == ["b.py", "shop.py"]
    assert value.meta.sources == ("./b.py", "./shop.py")
    assert plain(load(root, "{ fn?? }", "*.py"))[0] == {
        "names": ["totals"],
        "file": "b.py",
        "relative": "./b.py",
        "absolute": str(root / "b.py"),
    }


SOURCES = {
    ".js": (
        "const { p, q: [r], ...s } = require('x');\nexport const f = async () => 1, n = 2;\n"
        "class K { #h() {} get g() { return 1 } }\nfunction* gen() {}\n",
        "p var,r var,s var,f fn,n var,K class,K.#h fn,K.g fn,gen fn",
    ),
    ".ts": (
        "export default class A { m(): void {} x = 1 }\nnamespace N { export function k() {} }\n"
        "enum E { X }\ntype T = 1;\nexport interface I {}\n@dec\nabstract class B {}\n"
        "function over(a: string): void;\n",
        "A class,A.m fn,N module,N.k fn,E enum,T type,I interface,B class",
    ),
    ".tsx": ("export const View = () => <b>x</b>;\n", "View fn"),
    ".rb": (
        "module M\n  class C\n    LIMIT = 1\n    def m; end\n    def self.s; end\n  end\nend\nx = 1\n",
        "M module,M.C class,M.C.LIMIT var,M.C.m fn,M.C.s fn",
    ),
    ".go": (
        "package a\ntype T struct{}\ntype (\n\tA int\n\tI interface{}\n)\n"
        "func (t *T) M() {}\nfunc (t G[K]) N() {}\nconst X = 1\nvar z, w int\ntype L = int\nfunc F() {}\n",
        "T struct,A type,I interface,T.M fn,G.N fn,X var,z var,w var,L type,F fn",
    ),
    ".rs": (
        "#[derive(Debug)]\npub struct S;\nimpl<T> Tr for S<T> { fn m(&self) {} }\nmod a { fn b() {} }\n"
        "const X: i32 = 1;\ntrait Q { fn z(); fn y() {} }\nenum E { A }\n",
        "S struct,S impl,S.m fn,a module,a.b fn,X var,Q trait,Q.y fn,E enum",
    ),
    ".java": (
        "@A public class C { int x; void m() {} C() {} class D {} }\n"
        "record R(int a) {}\nenum E { A; void q() {} }\ninterface I { void w(); }\n",
        "C class,C.m fn,C.C fn,C.D class,R class,E enum,E.q fn,I interface,I.w fn",
    ),
    ".cs": (
        "namespace N { class C { int x; void M() {} } }\nstruct S {}\ninterface I {}\nenum E { A }\n",
        "N module,N.C class,N.C.M fn,S struct,I interface,E enum",
    ),
    ".c": (
        "int a, *b;\nstruct P { int x; };\nvoid proto(void);\nchar *f(void) { return 0; }\n"
        "typedef struct { int y; } Q;\nstruct P only;\n",
        "a var,b var,P struct,f fn,Q struct,only var",
    ),
    ".cpp": (
        "namespace n { class C { void m() {} void decl(); }; }\ntemplate<typename T> T t(T a) { return a; }\n"
        "void C::m2() {}\n#ifdef X\nint g() { return 1; }\n#endif\n"
        "extern \"C\" { void c() {} }\nusing Y = int;\n",
        "n module,n.C class,n.C.m fn,t fn,C.m2 fn,g fn,c fn,Y type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", SOURCES)
def test_definitions_of_each_language(tmp_path: Path, suffix: str) -> None:
    from orchestra.runtime.files.tree_outline import outline_tree

    text, expected = SOURCES[suffix]
    assert ",".join(f"{d.path} {d.kind}" for d in outline_tree(text, suffix)) == expected


def test_the_text_of_a_definition_holds_what_stands_around_it(tmp_path: Path) -> None:
    for suffix, (text, _) in SOURCES.items():
        (tmp_path / f"a{suffix}").write_text(text)
    assert plain(load(tmp_path, "{ f, n }", "a.js")) == ["export const f = async () => 1, n = 2;"] * 2
    assert plain(load(tmp_path, "{ *f* }", "a.js")) == ["export const f = async () => 1, n = 2;"]
    assert plain(load(tmp_path, "{ A }", "a.ts")) == ["export default class A { m(): void {} x = 1 }"]
    assert plain(load(tmp_path, "{ S }", "a.rs")) == [
        "#[derive(Debug)]\npub struct S;",
        "impl<T> Tr for S<T> { fn m(&self) {} }",
    ]
    assert plain(load(tmp_path, "{ t }", "a.cpp")) == ["template<typename T> T t(T a) { return a; }"]
    assert plain(load(tmp_path, "{ C.m }", "a.rb")) == ["def m; end"]
    assert plain(load(tmp_path, "{ C }", "a.rb"))[0].startswith("class C\n  LIMIT = 1\n")


def test_letters_of_several_bytes_move_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("// äöü 🎉\nfunction größe() { return 'ü' }\n")
    assert plain(load(tmp_path, "{ größe }", "a.js")) == ["function größe() { return 'ü' }"]


def test_a_file_type_without_definitions(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A")
    with pytest.raises(OrchError) as caught:
        load(tmp_path, "{ a }", "a.md")
    assert (caught.value.code, caught.value.message) == ("E405", "definitions cannot be selected in ./a.md")
    assert caught.value.help is not None and caught.value.help.startswith("they can be in .c .cpp .cs .go")


def test_python_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ndef (:\n")
    with pytest.raises(OrchError, match=r"^\./a\.py is not valid Python: invalid syntax in line 2$"):
        load(tmp_path, "{ x }", "a.py")


@pytest.mark.parametrize("absent", ["tree_sitter", "tree_sitter_go"])
def test_a_language_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    (tmp_path / "a.go").write_text("package a\n")
    with pytest.raises(OrchError) as caught:
        load(tmp_path, "{ a }", "a.go")
    assert caught.value.code == "E505"
    assert caught.value.message == "selecting definitions in .go files needs the package tree-sitter-go"
    assert caught.value.help == 'pip install "orch[code]"'
