// The built client in Chromium: three documents share localStorage and Web Locks, and the service is of another origin.
//   node build/faults/browser.js --latchkey target/debug/latchkey --chromium chromium
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sleep } from './chance.js';
import { startService } from './service.js';

interface Result {
  error?: string;
  locks: boolean;
  outcomes: string[];
  afterwards: string[];
  /** How often each tab was told of the log-out before it made a call. */
  idle: number[];
  tabs: { refreshes: { from: number; until: number; token: string; key: string; date: string | null }[]; loggedOut: string[] }[];
}

const { values } = parseArgs({ options: { latchkey: { type: 'string' }, chromium: { type: 'string' } } });
if (!values.latchkey || !values.chromium) {
  console.error('usage: browser.js --latchkey PATH --chromium COMMAND');
  process.exit(2);
}
const root = fileURLToPath(new URL('../..', import.meta.url));
let finish: (result: Result) => void = () => {};
const finished = new Promise<Result>((resolve) => (finish = resolve));

const server = createServer((request, response) => {
  const path = (request.url ?? '').split('?')[0]!;
  if (path === '/result') {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => (response.end(), finish(JSON.parse(body) as Result)));
    return;
  }
  if (!/^\/(dist|browser)\/[a-z]+\.(js|html)$/.test(path)) return void response.writeHead(404).end();
  response.setHeader('Content-Type', path.endsWith('.js') ? 'text/javascript' : 'text/html');
  response.end(readFileSync(join(root, path)));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const service = await startService(values.latchkey);
const profile = mkdtempSync(join(tmpdir(), 'latchkey-browser-'));
const url = `${origin}/browser/page.html?api=${encodeURIComponent(service.url)}`;
const browser = spawn(values.chromium, ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`, url], {
  stdio: 'ignore',
  env: { ...process.env, NO_PROXY: '127.0.0.1' },
});
browser.on('error', (error) => finish({ error: error.message } as Result));
const result = await Promise.race([finished, sleep(120_000).then(() => ({ error: 'no result within two minutes' }) as Result)]);
browser.kill();
await new Promise((resolve) => (browser.exitCode === null ? browser.once('exit', resolve) : resolve(null)));
service.stop();
rmSync(profile, { recursive: true, force: true, maxRetries: 5 });

const broken: string[] = [];
const expect = (holds: boolean, what: string): void => void (holds || broken.push(what));
if (result.error !== undefined) {
  broken.push(result.error);
} else {
  const refreshes = result.tabs.flatMap((tab) => tab.refreshes).sort((a, b) => a.from - b.from);
  const overlaps = refreshes.filter((refresh, index) => index > 0 && refresh.from < refreshes[index - 1]!.until).length;
  const keys = new Map<string, Set<string>>();
  for (const { token, key } of refreshes) keys.set(token, (keys.get(token) ?? new Set()).add(key));
  expect(result.locks, 'there are no Web Locks');
  expect(result.outcomes.length === 90 && result.outcomes.every((outcome) => outcome === 'ok'), `not all is well: ${[...new Set(result.outcomes)].join(', ')}`);
  expect(refreshes.length >= 15, `only ${refreshes.length} refreshes`);
  expect(overlaps === 0, `${overlaps} refreshes overlapped in spite of Web Locks`);
  expect(keys.size === refreshes.length && [...keys.values()].every((each) => each.size === 1), 'a token was sent twice');
  expect(refreshes.every(({ date }) => date !== null), 'the page can’t read Date');
  expect(result.idle.join() === '1,1,1', `idle tabs were told of the log-out ${result.idle.join()} times`);
  expect(result.afterwards.every((name) => name === 'LoggedOut'), `after the log-out: ${result.afterwards.join(', ')}`);
  expect(result.tabs.map((tab) => tab.loggedOut.join()).join() === 'logout,elsewhere,elsewhere', 'not every tab was told of the log-out');
  if (broken.length === 0) console.log(`in Chromium: 3 tabs, 90 calls, ${refreshes.length} refreshes, none at the same time`);
}
for (const what of broken) console.log(`BROKEN in Chromium: ${what}`);
process.exit(broken.length === 0 ? 0 : 1);
