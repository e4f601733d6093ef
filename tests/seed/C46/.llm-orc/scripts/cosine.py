"""Which of two answers is nearer to the question, by the cosine of their word counts. JSON in, JSON out."""

import json
import math
import re
import sys
from collections import Counter


def words(text):
    return Counter(re.findall(r"\w+", text.lower()))


def cosine(a, b):
    shared = sum(a[word] * b[word] for word in a)
    size = math.sqrt(sum(n * n for n in a.values())) * math.sqrt(sum(n * n for n in b.values()))
    return shared / size if size else 0.0


given = json.load(sys.stdin)["input"]
question = words(given.pop("input"))
scores = {name: cosine(question, words(answer)) for name, answer in given.items()}
best = max(scores, key=lambda name: (scores[name], name))
print(json.dumps({"selected": best, "confidence": round(scores[best], 3), "method": "cosine"}))
