"""The parts of the rule-based stand-in: what it can see in Python code, and how it doubts itself.

Which of them a prompt asks for is left to `reviewer.py`.
"""
