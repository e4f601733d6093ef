// What both JavaScript engines share: how the text of a block becomes a function, and how values and errors become
// messages. Evaluates to an object of functions that touch nothing outside; running the code is left to the engine.
(() => {
  // A declaration is legal only where a list of statements is. In front of `return` it keeps the return from
  // becoming the body of a loop or branch without braces.
  const BEFORE_RETURN = "const orch_value=0;return (";

  const START = /(?:^|[\n;}])\s*(?!(?:return|const|let|var|if|for|while|do|switch|throw|try|class)\b)(?=\S)/g;

  // The text of a function whose last expression is its value. `parses(text)` throws for wrong syntax; lines keep
  // their numbers. Tried are all places where a statement may begin, from the first: the longest tail that is one
  // expression wins. Inside brackets, quotes and comments no attempt can parse, because the bracket that is opened
  // there is closed at the very end.
  function wrapped(names, code, parses, kind) {
    const head = `(${kind}function(${names.join(",")}){`;
    const body = code.replace(/[\s;]+$/, "");
    for (const match of body.matchAll(START)) {
      const start = match.index + match[0].length;
      const text = `${head}${body.slice(0, start)}${BEFORE_RETURN}${body.slice(start)}\n)})`;
      try {
        parses(text);
        return text;
      } catch {
        continue;
      }
    }
    const plain = `${head}${code}\n})`;
    parses(plain);
    return plain;
  }

  // The message about a value: `{value}`, `{number}` for what JSON lacks, `{}` for nothing.
  function encoded(value) {
    if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
    const text = JSON.stringify(value, (_, part) => (typeof part === "bigint" ? integer(part) : part));
    return text === undefined || text === "null" ? {} : { value: JSON.parse(text) };
  }

  function integer(big) {
    return BigInt.asIntN(53, big) === big ? Number(big) : String(big);
  }

  // The message about anything that was thrown. `line` counts from 1 within the block.
  function described(error) {
    const line = /orch-block:(\d+)/.exec(String((error && error.stack) || ""));
    return { message: said(error), name: error && error.name, line: line ? Number(line[1]) : undefined };
  }

  function said(error) {
    if (typeof error === "string") return error;
    if (error && typeof error.message === "string") return error.message || String(error.name);
    return JSON.stringify(error) || String(error);
  }

  return { wrapped, encoded, described };
})()
