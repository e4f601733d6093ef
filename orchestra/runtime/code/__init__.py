"""Code blocks in Python and JavaScript, run in worker processes: `workers` is the door, the rest its parts.

`worker.py`, `isolate.py` and `worker.cjs` are the programs of child processes and are never imported.
"""
