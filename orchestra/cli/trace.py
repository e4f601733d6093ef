"""`orch trace [RUN]`: when each session of a run was asked. What it shows stands in `asked`."""

from orchestra.cli.asked import trace_main as main

__all__ = ["main"]
