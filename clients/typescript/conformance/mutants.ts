// Breaks the built client in one place at a time, and asks that the conformance script and the unit tests notice:
//   node build/conformance/mutants.js [C7 ...]
// So no requirement is one that can't fail. Exits 1 if a break goes unnoticed by the requirement it is made for.
import { spawn } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

type Edit = [file: string, from: string, to: string];
/** The requirement that must notice, and what is broken for it. Files are those of `src`, unless they say otherwise. */
const MUTANTS: [string, ...Edit[]][] = [
  ['C1', ['vault', 'await this.#set(next);', 'setTimeout(() => void this.#set(next), 300);']],
  [
    'C2',
    ['refreshing', 'this.#loop ??= this.#run(from)', 'this.#loop = this.#run(from)'],
    ['locks', 'return await locks.request(name, { signal: giveUp.signal }, once);', 'return await once();'],
  ],
  ['C3', ['session', "return 'expired'", "return 'fresh'"], ['session', "? 'due' : 'fresh'", "? 'fresh' : 'fresh'"]],
  ['C4', ['refreshing', "clockOffset(now, headers.get('Date'), pair, before)", '0']],
  ['C5', ['latchkey', '(this.#options.isRefusal ?? is401)(response)', 'false']],
  ['C6', ['refreshing', 'if (!isLater(later))', 'if (later)']],
  ['C7', ['answer', "answer.status === 401 && problemCode(answer) === 'invalid_token'", 'answer.status === 401']],
  ['C7', ['answer', "answer.status === 401 && problemCode(answer) === 'invalid_token'", "problemCode(answer) === 'invalid_token'"]],
  ['C7', ['answer', "if (mediaType(answer) !== 'application/problem+json')", 'if (false)']],
  ['C8', ['answer', "isVerdict(answer) ? null : later(answer, now)", 'later(answer, now)']],
  ['C8', ['vault', 'await this.#set(null);\n            return true;', 'return true;']],
  ['C9', ['latchkey', 'this.#options.patience ?? 20_000', '600_000']],
  ['C10', ['pacing', '(failure.retryAfter ?? 0) * 1000', '0']],
  ['C11', ['refreshing', 'this.#pause(later, begun)', '10']],
  ['C12', ['refreshing', 'until: timing.elapsed() + replayWindow }', 'until: 0 }']],
  ['C13', ['refreshing', 'if (isNewer(stored, from) || stored.login_id !== from.login_id)', 'if (false)']],
  ['C14', ['refreshing', "'Idempotency-Key': stored.idempotency_key", "'Idempotency-Key': crypto.randomUUID()"]],
  ['C14', ['refreshing', 'await keyFor(pair.refresh_token, secret)', 'secret']],
  ['C15', ['refreshing', 'await keyFor(pair.refresh_token, secret)', 'crypto.randomUUID()']],
  ['C16', ['vault', 'if (!isNewer(next, stored))', 'if (false)']],
  ['C17', ['refreshing', 'if (isNewer(stored, from) || stored.login_id !== from.login_id)', 'if (false)']],
  ['C18', ['vault', '?.refresh_token !== refreshToken)', '?.refresh_token === null)']],
  ['C19', ['latchkey', "{ kind: 'logout', token: session.refresh_token }, options", "{ kind: 'logout', token: session.access_token }, options"]],
  ['C19', ['latchkey', 'if (answer.status !== 204 && !isVerdict(answer))', 'if (false)']],
  ['C20', ['vault', 'if (stored?.login_id !== next.login_id)', 'if (false)'], ['vault', '!isNewer(next, stored)', 'stored && !isNewer(next, stored)']],
  ['C21', ['answer', 'if (pair && pair.login_id === loginId)', 'if (pair)'], ['vault', 'if (stored?.login_id !== next.login_id)', 'if (!stored)'], ['vault', '!isNewer(next, stored)', 'next.generation <= stored.generation']],
  ['C22', ['refreshing', 'this.#waiters.size === 0 && until >= goOnUntil', 'this.#waiters.size === 0']],
  ['C22', ['latchkey', 'times < 3 &&', 'false &&']],
  ['C23', ['requests', "redirect: 'manual'", "redirect: 'follow'"]],
  ['C23', ['calls', "init['redirect'] = 'manual'", "init['redirect'] = 'follow'"]],
  ['C23', ['addresses', 'if (known.some(named) && !hasDetour(address))', 'if (true)']],
  ['C24', ['latchkey', 'problem === null || ', '']],
  ['C25', ['latchkey', 'if (stored && /^[A-Za-z0-9_-]{16,64}$/.test(stored))', 'if (false)']],
  ['C26', ['requests', 'throw new Unavailable({ reason });', 'throw new Error(`no answer to ${token}`);']],
  ['C27', ['latchkey', "!challenge(response).includes('insufficient_user_authentication')", 'true']],
  ['C28', ['dpop', "const binds = request.kind === 'login';", 'const binds = false;']],
  ['C28', ['dpop', 'const url = `${baseUrl}/${request.kind}`;', 'const url = new URL(`/${request.kind}`, baseUrl).href;']],
  ['C28', ['session', "const pair = { dpop_jkt: value?.['dpop_jkt'] };", 'const pair = {};']],
  ['C29', ['dpop', 'jti: randomName()', "jti: 'always the same'"]],
  ['C29', ['dpop', 'if (!binds && !request.dpop_jkt)', 'if (!binds && (!request.dpop_jkt || request.attempt > 1))']],
  ['C29', ['dpop', 'return async (request, signal) => {', 'const signed = new Map(); return async (request, signal) => {'], ['dpop', 'const answer = await proved(request, key, signal);', "const at = request.token ?? ''; const proof = signed.get(at) ?? (await proofOf(key, `${baseUrl}/${request.kind}`, Math.floor((timing.now() + offset) / 1000))); signed.set(at, proof); const answer = await send({ ...request, headers: { ...request.headers, DPoP: proof } }, signal);"]],
  ['C30', ['dpop', 'let offset = 0;', 'let offset = 0, made = null;'], ['dpop', 'keys.make() : keys.get()', 'keys.make().then((key) => (made = key)) : Promise.resolve(made)']],
  ['C30', ['../conformance/keys', 'const there = await get();', 'const there = null;'], ['../conformance/keys', 'await link(written, path).catch(() => { });', 'await writeFile(path, await readFile(written));']],
  ['C31', ['dpop', "problemCode(answer) === 'invalid_dpop_proof' ? proved(request, key, signal) : answer", 'answer']],
  ['C31', ['dpop', "return problemCode(answer) === 'invalid_dpop_proof' ? proved(request, key, signal) : answer;", "let last = answer; while (problemCode(last) === 'invalid_dpop_proof') last = await proved(request, key, signal); return last;"]],
  ['C31', ['answer', "answer.status === 401 && problemCode(answer) === 'invalid_token'", "['invalid_token', 'invalid_dpop_proof'].includes(problemCode(answer))"]],
  ['C32', ['dpop', 'offset = date - timing.now()', 'offset = 0']],
  ['C32', ['dpop', 'offset = date - timing.now()', 'offset ||= date - timing.now()']],
  ['C33', ['dpop', 'return KEY_LOST;', 'return send(request, signal);']],
  ['C33', ['dpop', "over: 'key',", '']],
  ['C33', ['dpop', 'binds ? keys.make() : keys.get()', 'keys.make()'], ['dpop', '(!binds && key.thumbprint !== request.dpop_jkt)', 'false']],
  ['C34', ['dpop', 'if (!binds && !request.dpop_jkt)', 'if (false)'], ['dpop', '(!binds && key.thumbprint !== request.dpop_jkt)', '(request.dpop_jkt && key.thumbprint !== request.dpop_jkt)']],
  ['C35', ['../conformance/keys', 'const privateKey = ', 'console.error(JSON.stringify(secret)); const privateKey = ']],
  ['C35', ['requests', 'throw new Unavailable({ reason });', "throw new Error(`no answer to ${headers?.['DPoP']}`);"]],
];
/** What is judged on the output of other requirements is run with one of them. */
const RUN_WITH: Record<string, string> = { C26: 'C6', C35: 'C29' };

const here = fileURLToPath(new URL('..', import.meta.url)); // …/build/
const beside = join(here, '..');

const ends = (command: string, args: string[]): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, { cwd: beside });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
    child.on('exit', (code) => resolve({ code, output }));
  });

/** Whether the requirement, and whether a unit test, notices the break. */
async function noticed(index: number, id: string, edits: Edit[]): Promise<[boolean, boolean]> {
  const copy = join(beside, `build.mutant-${index}`);
  cpSync(here, copy, { recursive: true });
  try {
    for (const [file, from, to] of edits) {
      const path = join(copy, 'src', `${file}.js`);
      const text = readFileSync(path, 'utf8');
      if (text.split(from).length !== 2) throw new Error(`${file}.js has ${text.split(from).length - 1} times: ${from}`);
      writeFileSync(path, text.replace(from, () => to));
    }
    const only = RUN_WITH[id] ? `${RUN_WITH[id]},${id}` : id;
    const driver = `node '${join(copy, 'conformance', 'driver.js')}'`;
    const conformance = await ends('node', ['../conformance/run.js', '--client', driver, '--only', only, '--must-fail', id]);
    const tests = readdirSync(join(copy, 'test')).filter((name) => name.endsWith('.test.js'));
    const unit = await ends('node', ['--test', '--test-timeout=60000', ...tests.map((name) => join(copy, 'test', name))]);
    return [conformance.code === 0 && conformance.output.includes('refused'), unit.code !== 0];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const wanted = process.argv.slice(2);
const queue = [...MUTANTS.entries()].filter(([, [id]]) => wanted.length === 0 || wanted.includes(id));
const lines = new Map<number, string>();
const all = queue.length;
let unnoticed = 0;
let byUnitTests = 0;
async function worker(): Promise<void> {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [index, [id, ...edits]] = next;
    const [conformance, unit] = await noticed(index, id, edits);
    if (!conformance) unnoticed += 1;
    if (unit) byUnitTests += 1;
    lines.set(index, `${conformance ? 'noticed  ' : 'UNNOTICED'}  ${unit ? 'unit tests too' : '              '}  ${id.padEnd(3)}  ${edits[0]![1]}`);
  }
}
await Promise.all([worker(), worker(), worker()]);
for (const index of [...lines.keys()].sort((a, b) => a - b)) console.log(lines.get(index));
console.log(`${all - unnoticed} of ${all} breaks are noticed by the requirement they are made for, ${byUnitTests} by the unit tests`);
process.exit(unnoticed === 0 ? 0 : 1);
