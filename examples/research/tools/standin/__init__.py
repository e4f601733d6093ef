"""The parts of the rule-based stand-in: how it reads statements, and what each role makes of them.

Which role a prompt asks for is left to `researcher.py`.
"""
