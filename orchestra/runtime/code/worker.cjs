// The program of a worker process that runs blocks of JavaScript in Node, each in a context of its own.
// Requests and replies are lines of JSON on the two pipes named as arguments. They are read synchronously: that
// gives one call at a time, lets nothing run between calls, and allows synchronous functions of the script in `js`.
"use strict";

const fs = require("node:fs");
const vm = require("node:vm");
const { createRequire } = require("node:module");
const path = require("node:path");

const [requests, replies] = process.argv.slice(2).map(Number);
const block = vm.runInThisContext(fs.readFileSync(path.join(__dirname, "block.js"), "utf8"));
const LOADER = vm.constants && vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;

// The globals that Node adds to the language; every context gets `console` and `global` of its own.
const OWN = new Set([...vm.runInNewContext("Object.getOwnPropertyNames(globalThis)"), "console", "global"]);
const SHARED = Object.getOwnPropertyNames(globalThis).filter((name) => !OWN.has(name));

// ── pipes ───────────────────────────────────────────────────────────────────────────────────────

let rest = Buffer.alloc(0);

function receive() {
  const parts = [rest];
  const chunk = Buffer.alloc(65536);
  while (!parts[parts.length - 1].includes(10)) {
    const count = fs.readSync(requests, chunk);
    if (count === 0) return undefined;
    parts.push(Buffer.from(chunk.subarray(0, count)));
  }
  const all = Buffer.concat(parts);
  const end = all.indexOf(10);
  rest = all.subarray(end + 1);
  return JSON.parse(all.toString("utf8", 0, end));
}

function write(descriptor, text) {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(descriptor, bytes));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error; // a pipe that Node made non-blocking, and that is full
    }
  }
}

function finish(reply) {
  const mark = current.mark;
  current = undefined;
  write(1, mark);
  write(2, mark);
  write(replies, JSON.stringify(reply) + "\n");
}

// ── what the code sees ──────────────────────────────────────────────────────────────────────────

function surroundings(request) {
  const context = vm.createContext({});
  for (const name of SHARED) share(context, name);
  const inside = (text) => vm.runInContext(text, context);
  Object.assign(context, { console: console_(), global: inside("globalThis") });
  const made = { context, parse: inside("JSON.parse"), Error: inside("Error") };
  if (request.lang === "node") {
    made.exports = inside("({})");
    context.module = { exports: made.exports };
    context.exports = made.exports;
    context.require = createRequire(path.join(request.cwd, "block.js"));
  }
  for (const name of Object.keys(request.shadow)) context[name] = helper(name, request, made);
  return made;
}

// Some globals of Node are made on first use, and refuse to be read through another object.
function share(context, name) {
  Object.defineProperty(context, name, {
    configurable: true,
    get: () => globalThis[name],
    set: (value) => Object.defineProperty(context, name, { configurable: true, writable: true, value }),
  });
}

function console_() {
  const sink = (descriptor) => ({ write: (text) => write(descriptor, text) });
  return new console.Console({ stdout: sink(1), stderr: sink(2), ignoreErrors: false });
}

function helper(name, { lang, shadow }, made) {
  const { host, params, code } = shadow[name];
  if (!host) return compiled(params, code, lang === "js" ? "" : "async ", `orch-function-${name}`, made);
  const call = (...given) => ask(name, given, made);
  return lang === "js" ? call : async (...given) => call(...given);
}

// The result of a function that only the parent can run.
function ask(name, given, made) {
  const args = given.map((item) => (item === undefined ? null : item));
  write(replies, JSON.stringify({ host: name, args }) + "\n");
  const answer = receive();
  if (answer === undefined) process.exit(1);
  if (answer.error !== undefined) throw new made.Error(answer.error);
  return made.parse(JSON.stringify(answer.value));
}

function parameter(param, made) {
  if (param.function !== undefined) return made.context[param.function];
  if (param.number !== undefined) return Number(param.number);
  return param.data === undefined ? undefined : made.parse(JSON.stringify(param.data));
}

// ── running ─────────────────────────────────────────────────────────────────────────────────────

const texts = new Map(); // finding out how a block ends takes several attempts, so it is done once

function compiled(names, code, kind, filename, made) {
  const script = (text) => new vm.Script(text, { filename, importModuleDynamically: LOADER });
  const key = JSON.stringify([names, kind, code]);
  if (!texts.has(key)) texts.set(key, block.wrapped(names, code, script, kind));
  return script(texts.get(key)).runInContext(made.context);
}

async function result(request) {
  const made = surroundings(request);
  const names = Object.keys(request.params);
  const code = compiled(names, request.code, "async ", "orch-block", made);
  const value = await code(...names.map((name) => parameter(request.params[name], made)));
  return block.encoded(value === undefined && exported(made) ? made.context.module.exports : value);
}

function exported({ context, exports }) {
  return exports && (context.module.exports !== exports || Object.keys(exports).length > 0);
}

let current; // the call in progress: its mark, how to fail it from outside, whether it is stuck

async function serve(request) {
  const environment = { ...process.env };
  process.chdir(request.cwd);
  Object.assign(process.env, request.env);
  const failure = new Promise((_, reject) => (current = { mark: request.mark, reject }));
  const failed = (error) => ({ error: block.described(error) });
  const reply = await Promise.race([result(request), failure]).catch(failed);
  // Timers, servers and connections of this call would go on in the next one, so there will be none.
  if (current.stuck || process.getActiveResourcesInfo().length > idle) reply.spent = true;
  restore(environment);
  finish(reply);
}

function restore(environment) {
  process.exitCode = undefined;
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
}

const fail = (error) => current && current.reject(error);

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
process.on("exit", (code) => current && finish({ exit: code }));
process.on("beforeExit", () => {
  if (current) current.stuck = true;
  fail(new Error("the code waits for a promise that nothing will settle"));
});

// Both streams are opened when first looked at, and are resources from then on.
void process.stdout;
void process.stderr;
const idle = process.getActiveResourcesInfo().length;

(async () => {
  write(replies, "{}\n"); // ready
  for (let request = receive(); request !== undefined; request = receive()) await serve(request);
  process.exit(0);
})();
