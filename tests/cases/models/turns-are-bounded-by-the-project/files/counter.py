import json, sys

request = json.load(sys.stdin)
print(json.dumps({"content": f"{request['messages'][0]['content'][0]['text']}: {request['max_tokens']}"}))
