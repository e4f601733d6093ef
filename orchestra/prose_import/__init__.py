"""Programs in the language of `.prose` files, version 1, as `.mld` scripts.

`reading` parses by the grammar in `prose.lark` and gives the nodes of `syntax`; `naming` decides what each name is
called and which variables change; `texts`, `values` and `statements` write the script; `program` puts it together.
Nothing here runs anything, and nothing else needs it.
"""
