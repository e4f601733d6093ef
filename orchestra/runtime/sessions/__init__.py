"""Agents and their sessions: who is asked and how, what is kept of it, and what an agent remembers.

The model itself is asked by `models`, through the same cache as every labelled call.
"""
