"""orch runs `.mld` scripts: programs that gather context, call language models and act on the answers."""

__version__ = "0.1.0"
