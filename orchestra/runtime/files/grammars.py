"""What the syntax trees of the supported languages call their definitions: data, one table per question.

Walking the trees is the business of `tree_outline`.
"""

from __future__ import annotations

__all__ = [
    "BODIES",
    "CLOSED",
    "KIND_OF",
    "KIND_OF_CONTENT",
    "LANGUAGES",
    "NAMED_BY_KEYWORD",
    "NAMES_CONTENT",
    "WRAPPERS",
]

# File suffix → package and the function in it that gives the grammar.
LANGUAGES: dict[str, tuple[str, str]] = {
    **dict.fromkeys((".js", ".jsx", ".mjs"), ("tree_sitter_javascript", "language")),
    ".ts": ("tree_sitter_typescript", "language_typescript"),
    ".tsx": ("tree_sitter_typescript", "language_tsx"),
    ".rb": ("tree_sitter_ruby", "language"),
    ".go": ("tree_sitter_go", "language"),
    ".rs": ("tree_sitter_rust", "language"),
    ".java": ("tree_sitter_java", "language"),
    ".cs": ("tree_sitter_c_sharp", "language"),
    ".c": ("tree_sitter_c", "language"),
    **dict.fromkeys((".cpp", ".h", ".hpp"), ("tree_sitter_cpp", "language")),
    ".sol": ("tree_sitter_solidity", "language"),
}

# Node type → kind. Node types of different grammars do not contradict one another.
KIND_OF: dict[str, str] = {
    "abstract_class_declaration": "class",
    "abstract_method_signature": "fn",
    "alias_declaration": "type",
    "annotation_type_declaration": "interface",
    "assignment": "var",
    "class": "class",
    "class_declaration": "class",
    "class_specifier": "class",
    "const_item": "var",
    "const_spec": "var",
    "constant_variable_declaration": "var",
    "constructor_declaration": "fn",
    "constructor_definition": "fn",
    "contract_declaration": "class",
    "declaration": "var",
    "delegate_declaration": "type",
    "enum_declaration": "enum",
    "enum_item": "enum",
    "enum_specifier": "enum",
    "error_declaration": "type",
    "event_definition": "type",
    "fallback_receive_definition": "fn",
    "function_declaration": "fn",
    "function_definition": "fn",
    "function_item": "fn",
    "generator_function_declaration": "fn",
    "impl_item": "impl",
    "interface_declaration": "interface",
    "internal_module": "module",
    "library_declaration": "module",
    "method": "fn",
    "method_declaration": "fn",
    "method_definition": "fn",
    "mod_item": "module",
    "modifier_definition": "fn",
    "module": "module",
    "namespace_declaration": "module",
    "namespace_definition": "module",
    "record_declaration": "class",
    "singleton_method": "fn",
    "state_variable_declaration": "var",
    "static_item": "var",
    "struct_declaration": "struct",
    "struct_item": "struct",
    "struct_specifier": "struct",
    "trait_item": "trait",
    "type_alias": "type",
    "type_alias_declaration": "type",
    "type_definition": "type",
    "type_item": "type",
    "type_spec": "type",
    "union_item": "struct",
    "union_specifier": "struct",
    "user_defined_type_definition": "type",
    "var_spec": "var",
    "variable_declarator": "var",
}

# What a named type or variable stands for decides its kind: `const f = () => 1` is a function.
KIND_OF_CONTENT: dict[str, str] = {
    "arrow_function": "fn",
    "class": "class",
    "class_specifier": "class",
    "enum_specifier": "enum",
    "function_expression": "fn",
    "generator_function": "fn",
    "interface_type": "interface",
    "struct_specifier": "struct",
    "struct_type": "struct",
    "union_specifier": "struct",
}
# Nodes whose first word is their name.
NAMED_BY_KEYWORD = frozenset({"constructor_definition", "fallback_receive_definition"})
NAMES_CONTENT = {"type_definition": "type", "type_spec": "type", "variable_declarator": "value"}

# Nodes around one definition, whose text belongs to it.
WRAPPERS = frozenset(
    {
        "ambient_declaration",
        "const_declaration",
        "export_statement",
        "expression_statement",
        "lexical_declaration",
        "template_declaration",
        "type_declaration",
        "var_declaration",
        "var_spec_list",
        "variable_declaration",
    }
)
# Other nodes that have definitions among their children.
BODIES = frozenset(
    {
        "body_statement",
        "class_body",
        "contract_body",
        "declaration_list",
        "enum_body",
        "enum_body_declarations",
        "field_declaration_list",
        "interface_body",
        "linkage_specification",
        "preproc_elif",
        "preproc_else",
        "preproc_if",
        "preproc_ifdef",
        "statement_block",
    }
)
CLOSED = frozenset({"fn", "var", "type"})  # kinds with nothing inside that counts as a definition
