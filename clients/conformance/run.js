#!/usr/bin/env node
// Holds a client against the requirements of ../README.md:
//   node run.js --client 'COMMAND' [--only C7,C8] [--must-fail C2,C7]
// Prints a line for each requirement. Exits 0 if all hold; with --must-fail, if at least the named ones don't.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BINDING } from './binding.js';
import { Client } from './client.js';
import { showsPrivateKey, showsProof } from './leaks.js';
import { Network } from './network.js';
import { REQUIREMENTS } from './requirements.js';

const usage = () => {
  console.error("usage: node run.js --client 'COMMAND' [--only C7,C8] [--must-fail C2,C7]");
  process.exit(2);
};
let values;
try {
  ({ values } = parseArgs({ options: { client: { type: 'string' }, only: { type: 'string' }, 'must-fail': { type: 'string' } } }));
} catch {
  usage();
}
if (!values.client) usage();
// Judged on what all clients have written during all the others.
const SILENT = [
  { id: 'C26', title: 'shows no token and no password', what: 'a token or a password', shows: ({ output }) => /lk[ar]_[A-Za-z0-9_-]{20}|correct-horse-battery-staple/.test(output) },
  { id: 'C35', title: 'shows no private key and no proof', what: 'a private key or a proof', binds: true, shows: ({ output }, trial) => showsProof(output) || showsPrivateKey(output, trial.proofs) },
];
const ALL = [...REQUIREMENTS, ...BINDING];
const named = (list) => list.split(',').filter(Boolean);
const ids = [...ALL, ...SILENT].map(({ id }) => id);
for (const id of [...named(values.only ?? ''), ...named(values['must-fail'] ?? '')]) {
  if (!ids.includes(id)) usage();
}

/** What a requirement is given: networks, clients, and a way to say what is wrong. */
class Trial {
  failures = [];
  clients = [];
  #networks = [];
  #directories = [];

  check(holds, otherwise) {
    if (!holds) this.failures.push(otherwise);
  }

  async network(options) {
    const network = new Network(options);
    await network.listen();
    this.#networks.push(network);
    network.state = mkdtempSync(join(tmpdir(), 'latchkey-conformance-'));
    this.#directories.push(network.state);
    return network;
  }

  async client(network, more = {}) {
    const client = new Client(values.client, {
      LATCHKEY_URL: network.url,
      LATCHKEY_STATE: network.state,
      LATCHKEY_PATIENCE_MS: '2500',
      LATCHKEY_ATTEMPT_MS: '1500',
      LATCHKEY_REPLAY_WINDOW_MS: String(network.service.replayWindow),
      ...more,
    });
    this.clients.push(client);
    const ready = await client.ready;
    this.shares = ready.shares_state !== false;
    this.binds = ready.binds === true;
    return client;
  }

  /** A network and a client that is logged in there. */
  async loggedIn(options) {
    const network = await this.network(options);
    const client = await this.client(network);
    let { outcome } = await client.login();
    for (let tries = 1; tries < 5 && outcome === 'later'; tries += 1) ({ outcome } = await client.login());
    if (outcome !== 'ok') throw new Error(`a login with the right password comes to "${outcome}"`);
    return { network, client };
  }

  /** All proofs that came. */
  get proofs() {
    return this.#networks.flatMap(({ came }) => came.map(({ proof }) => proof)).filter(Boolean);
  }

  async end() {
    await Promise.all(this.clients.map((client) => client.kill()));
    for (const network of this.#networks) network.close();
    for (const directory of this.#directories) rmSync(directory, { recursive: true, force: true });
  }
}

// How late a timer of this process was at most, milliseconds. A client beside it that gets no processor either can't keep times.
const TOO_LATE = 200;
let lag = 0;
let expected = performance.now() + 20;
setInterval(() => {
  lag = Math.max(lag, performance.now() - expected);
  expected = performance.now() + 20;
}, 20).unref();

/** The requirements during which a client wrote what it mustn't, by the id of the requirement that says so. */
const shown = new Map(SILENT.map(({ id }) => [id, new Set()]));
let binds = false;
/** A requirement that fails while the machine stands still is tried again: that says nothing of the client. */
async function hold(requirement) {
  for (let tries = 1; ; tries += 1) {
    lag = 0;
    const result = await once(requirement);
    if (result.verdict !== 'FAIL' || lag < TOO_LATE || tries === 4 || values['must-fail'] !== undefined) return result;
    console.error(`${requirement.id} again: the machine stood still for ${Math.round(lag)} ms`);
  }
}

const BINDS_NOTHING = 'the client doesn’t say that it binds logins to a key: `binds` in its first line';

async function once({ id, title, twoProcesses, bound, run }) {
  const trial = new Trial();
  let verdict = 'pass';
  let note = null;
  try {
    if (twoProcesses || bound) await trial.client(await trial.network());
    if (twoProcesses && !trial.shares) note = 'two processes can’t share this client’s storage';
    if (bound && !trial.binds) note = BINDS_NOTHING;
    if (note) verdict = 'n/a ';
    else await run(trial);
  } catch (error) {
    trial.failures.push(error.message);
  }
  await trial.end();
  binds ||= trial.binds === true;
  for (const { id: silent, shows } of SILENT) {
    if (trial.clients.some((client) => shows(client, trial))) shown.get(silent).add(id);
  }
  if (trial.failures.length > 0) verdict = 'FAIL';
  return { id, title, verdict, notes: note ? [note] : trial.failures };
}

const wanted = ALL.filter(({ id }) => !values.only || named(values.only).includes(id));
const results = new Array(wanted.length);
let next = 0;
async function worker() {
  while (next < wanted.length) {
    const index = next;
    next += 1;
    results[index] = await hold(wanted[index]);
  }
}
await Promise.all([1, 2, 3, 4, 5, 6].map(worker));
for (const { id, title, what, binds: bound } of SILENT) {
  if (values.only && !named(values.only).includes(id)) continue;
  const during = [...shown.get(id)];
  const notes = during.length > 0 ? [`${what} stands in what the client wrote during ${during.join(', ')}`] : bound && !binds ? [BINDS_NOTHING] : [];
  results.push({ id, title, verdict: during.length > 0 ? 'FAIL' : notes.length > 0 ? 'n/a ' : 'pass', notes });
}
const number = ({ id }) => Number(id.slice(1));
results.sort((a, b) => number(a) - number(b));

for (const { id, title, verdict, notes } of results) {
  console.log(`${verdict}  ${id.padEnd(3)}  ${title}`);
  for (const note of notes) console.log(`           ${note}`);
}
const failed = results.filter(({ verdict }) => verdict === 'FAIL').map(({ id }) => id);
const skipped = results.filter(({ verdict }) => verdict === 'n/a ').length;
console.log(`${results.length - failed.length - skipped} of ${results.length} requirements hold${skipped ? `, ${skipped} don't apply` : ''}`);
if (values['must-fail'] === undefined) process.exit(failed.length === 0 ? 0 : 1);
const missed = named(values['must-fail']).filter((id) => !failed.includes(id));
console.log(missed.length === 0 ? 'refused, as it must be' : `not noticed: ${missed.join()}`);
process.exit(missed.length === 0 ? 0 : 1);
