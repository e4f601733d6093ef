"""The parts of the rule-based stand-in: what it can see in Python code, and how it doubts itself.

Talking to the interpreter is left to `reviewer.py`.
"""
