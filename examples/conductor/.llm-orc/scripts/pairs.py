"""Each section of a manual with the source file of the same name."""

import json
import pathlib
import sys

given = json.load(sys.stdin)["input"]
sections = pathlib.Path(given["manual"]).read_text().split("\n## ")[1:]
pairs = []
for section in sections:
    source = pathlib.Path(given["folder"]) / f"{section.split()[0].lower()}.py"
    if source.is_file():
        pairs.append({"section": section.strip(), "source": source.read_text()})
print(json.dumps(pairs))
