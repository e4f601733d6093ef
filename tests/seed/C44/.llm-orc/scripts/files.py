"""The sources below the folder that the input names, one item each."""

import json
import pathlib
import sys

given = json.load(sys.stdin)
print(json.dumps([path.read_text() for path in sorted(pathlib.Path(given["input"]["folder"]).glob("*.routes"))]))
