// The part of a mini-racer worker that runs inside the isolate: console, helpers, and the block itself.
// Starting the isolate, and writing out what was printed, is left to `isolate.py`.
(() => {
  const block = globalThis.orch_block;
  const output = { printed: "", warned: "" };
  const printer = (stream) => (...items) => {
    output[stream] += items.map(shown).join(" ") + "\n";
  };
  const out = printer("printed");
  const err = printer("warned");
  globalThis.console = { log: out, info: out, debug: out, error: err, warn: err };

  function shown(item) {
    const data = typeof item === "object" && item !== null && !(item instanceof Error);
    return data ? JSON.stringify(item) : String(item);
  }

  function compiled(names, code, kind, filename) {
    const evaluated = (text) => (0, eval)(`${text}\n//# sourceURL=${filename}`);
    return evaluated(block.wrapped(names, code, evaluated, kind));
  }

  function helper(name, shadow) {
    if (!shadow.host) return compiled(shadow.params, shadow.code, "", `orch-function-${name}`);
    return () => {
      throw new Error(`${name} is a function of the script, which js can call only with Node.js installed`);
    };
  }

  function parameter(param) {
    if (param.function !== undefined) return globalThis[param.function];
    return param.number !== undefined ? Number(param.number) : param.data;
  }

  async function reply({ code, params, shadow }) {
    try {
      for (const name of Object.keys(shadow)) globalThis[name] = helper(name, shadow[name]);
      const names = Object.keys(params);
      const run = compiled(names, code, "async ", "orch-block");
      return block.encoded(await run(...names.map((name) => parameter(params[name]))));
    } catch (error) {
      return { error: block.described(error) };
    }
  }

  globalThis.orch_run = async (request) => JSON.stringify({ reply: await reply(JSON.parse(request)), ...output });
})();
