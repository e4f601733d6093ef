"""The parts of the rule-based stand-in: what it reads in an issue, how it mends a function, and how it doubts.

Which role a prompt asks for is left to `developer.py`.
"""
