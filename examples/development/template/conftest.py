"""Compiled files are told apart by second and size, and an agent edits and tests within one second: none is kept."""

import sys

sys.dont_write_bytecode = True
