"""Prints where the code to audit lies, as `{"dir": parent folder, "folder": folder, "name": its name}`.

The argument is a folder, relative to the project or absolute, or the name of an installed package.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path


def locate(name: str) -> Path:
    """The folder called `name`, else that of the installed package. Ends the program if there is neither."""
    if Path(name).is_dir():
        return Path(name).resolve()
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"neither a folder nor an installed package: {name}")
    return Path(spec.submodule_search_locations[0]).resolve()


if __name__ == "__main__":
    folder = locate(sys.argv[1])
    print(json.dumps({"dir": str(folder.parent), "folder": str(folder), "name": folder.name}))
