"""What to say about a program that does not parse: patterns of what people write, and what to write instead.

The patterns are data, grouped by what they are about; `fault` reads the parser's state, `pattern` matches.
Faults of programs that do parse are left to `nodes.placement`.
"""

from orchestra.hints.advice import next_directive, syntax_error

__all__ = ["next_directive", "syntax_error"]
