"""Fails as a script does whose file is not there."""

open("rows.csv")
