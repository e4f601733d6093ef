"""From source text to tokens, in step with the parser.

The language changes its rules with the place: `<` compares or loads a file, `[` opens a block, an array or an index,
a word is a keyword only where one may stand, and templates, commands and native code have rules of their own. So the
scanner looks at the parser's state before each token and says the one thing that is possible there. `scanner` holds
the rules of code, `text` those of templates, `native` finds the end of foreign code, `words` is the vocabulary.
"""
