import json
import sys

given = json.load(sys.stdin)
print(json.dumps({"data": given["input"]["files"]}))
