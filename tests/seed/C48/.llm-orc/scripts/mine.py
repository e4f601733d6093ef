import json
from pathlib import Path

print(json.dumps([path.name for path in Path("/Users/ida/server").iterdir()]))
