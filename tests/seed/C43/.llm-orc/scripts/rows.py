"""Fails as a script does whose file is not there."""

import pathlib

print(pathlib.Path("rows.csv").read_text())
