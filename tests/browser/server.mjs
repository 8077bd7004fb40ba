// A fresh `latchkey dev` for a test file: started on a free port, stopped by Ctrl-C.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";

/** Starts it with these settings; `{url, stop}`. `stop` gives the exit code and how long the end took, in milliseconds. */
export async function start(settings = {}) {
  const program = process.env.LATCHKEY_BIN;
  assert(program, "LATCHKEY_BIN names the program; scripts/console-check sets it");
  const child = spawn(program, ["dev", "--port", "0"], { env: { ...process.env, ...settings }, stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "exit");
  let said = "";
  for await (const chunk of child.stdout) {
    said += chunk;
    const url = said.match(/console +(http:\/\/[0-9.:]+)\//)?.[1];
    if (url) return { url, said, stop: () => stop(child, ended) };
  }
  throw new Error(`latchkey dev ended before it was ready: ${said}`);
}

async function stop(child, ended) {
  const began = performance.now();
  child.kill("SIGINT");
  const [code] = await ended;
  return { code, ms: performance.now() - began };
}
