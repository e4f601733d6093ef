SELECT max(n) FROM (
  SELECT (SELECT count(*) FROM calls b WHERE b.started <= a.started
    AND julianday(b.started) * 86400000 + b.ms > julianday(a.started) * 86400000 + 0.5) AS n FROM calls a
)
