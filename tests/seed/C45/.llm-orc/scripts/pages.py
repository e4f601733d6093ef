"""The numbers of the pages, as a list in the field `data`."""

import json
import sys

given = json.load(sys.stdin)
print(json.dumps({"data": [f"page {number}" for number in range(given["input"]["pages"])]}))
