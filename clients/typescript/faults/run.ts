// The client against a running service, over a network that fails in every way:
//   node build/faults/run.js (--latchkey target/debug/latchkey | --stand-in) [--calls 1000] [--seed 1]
// Three devices are logged in: a phone (one tab), a browser with Web Locks and one without (four tabs each). Tabs crash, clocks are
// set wrong, and no device may be logged out. Exits 1 if anything that must never happen has happened.
// A service that recovers a lost answer until its pair is first used loses some for longer than any window. --stand-in is the
// conformance script's service, which does.
import { inspect, parseArgs } from 'node:util';
import { chance, sleep } from './chance.js';
import { Device, type Counts, type Tab } from './device.js';
import { Proxy } from './proxy.js';
import { replayWindowOf, ruleOf, startService, startStandIn, TOLERANCE } from './service.js';

const { values } = parseArgs({
  options: {
    latchkey: { type: 'string' },
    'stand-in': { type: 'boolean' },
    calls: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
  },
});
if (!values.latchkey === !values['stand-in'] || !/^\d+$/.test(values.calls) || !/^\d+$/.test(values.seed)) {
  console.error('usage: run.js (--latchkey PATH | --stand-in) [--calls N] [--seed N]');
  process.exit(2);
}
const total = Number(values.calls);
const seed = Number(values.seed);
const random = chance(seed);
const DEMO = { username: 'demo', password: 'correct-horse-battery-staple' };

const rule = values.latchkey ? ruleOf(values.latchkey) : 'until_first_use';
const replayWindow = replayWindowOf(rule);
const service = values.latchkey ? await startService(values.latchkey, rule) : await startStandIn(rule);
const proxy = new Proxy(service.url, seed, rule === 'until_first_use' ? replayWindow + TOLERANCE + 2_000 : null);
const url = await proxy.listen();
const devices = [
  new Device('phone', url, chance(seed + 1), true, replayWindow),
  new Device('browser with locks', url, chance(seed + 2), true, replayWindow),
  new Device('browser without', url, chance(seed + 3), false, replayWindow),
];
for (const device of devices) {
  device.wrong = (random() - 0.5) * 2 * 86_400_000;
  const { latchkey } = device.open();
  const login = (): Promise<unknown> => latchkey.login({ ...DEMO, device: device.name });
  for (let tries = 1; tries < 60; tries += 1) {
    // A slow machine takes longer than the client waits; the device_id keeps it from leaving a second login.
    if (await login().then(() => true, (error: Error) => error.name !== 'Unavailable')) break;
  }
  while (device !== devices[0] && device.tabs.length < 4) device.open();
}
const userId = (await devices[0]!.tabs[0]!.latchkey.session())!.userId;

const outcomes = new Map<string, number>();
const count = (outcome: string): void => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);

/** One call of an app, in a word. */
async function call(device: Device, tab: Tab): Promise<string> {
  try {
    if (random() < 0.08) return await tab.latchkey.refresh(), 'refreshed';
    const response = await tab.latchkey.fetch('/me', { timeout: 15_000 });
    const body = await response.text();
    if (response.status !== 200) return `the network’s ${response.status}`;
    if (response.headers.get('content-type') !== 'application/json') return 'the network’s page';
    return JSON.parse(body).user_id === userId ? 'answered' : 'answered for somebody else';
  } catch (error) {
    if (/lk[ar]_[A-Za-z0-9_-]{20}/.test(inspect(error, { depth: 9, showHidden: true }))) device.counts.leaks += 1;
    const { name } = error as Error;
    if (name === 'LoggedOut') device.counts.falseLogOuts += 1;
    return name === 'Unavailable' ? 'later' : name === 'LoggedOut' ? 'logged out' : 'lost by the network';
  }
}

let left = total;
async function app(device: Device, index: number): Promise<void> {
  while (left > 0) {
    left -= 1;
    const tab = device.tabs[index]!;
    if (random() < 0.004) {
      // A crash, and a restart from what is stored.
      tab.kill();
      device.counts.crashes += 1;
      device.counts.falseLogOuts += tab.loggedOut.length;
      device.open();
      device.tabs[index] = device.tabs.pop()!;
      left += 1;
      continue;
    }
    if (random() < 0.004) {
      // Somebody, or a network, sets the clock.
      device.wrong = (random() - 0.5) * 2 * 86_400_000;
      device.counts.clockChanges += 1;
    }
    const outcome = await call(device, tab);
    count(device.tabs[index] === tab ? outcome : 'crashed');
    // An app that was refused by a portal doesn't ask again at once.
    await sleep(random() * (outcome.startsWith('the network’s') ? 600 : 60));
  }
}

const begun = Date.now();
const progress = setInterval(() => console.error(`  ${total - left} of ${total} calls, ${Math.round((Date.now() - begun) / 1000)} s`), 30_000);
await Promise.all(devices.flatMap((device) => device.tabs.flatMap((_, index) => [app(device, index), app(device, index), app(device, index)])));
clearInterval(progress);
const seconds = (Date.now() - begun) / 1000;

// The network is well again: every tab must get through, and the service must know three logins.
await proxy.losesNoMore();
proxy.calm = true;
const broken: string[] = [];
const expect = (holds: boolean, what: string): void => void (holds || broken.push(what));
await sleep(3_000);
for (const device of devices) {
  for (const tab of device.tabs) {
    const status = await tab.latchkey.fetch('/me').then((response) => response.status, (error: Error) => error.name);
    expect(status === 200, `${device.name}: a tab gets ${status} when all is well again`);
    device.counts.falseLogOuts += tab.loggedOut.length;
  }
}
const list = await devices[0]!.tabs[0]!.latchkey.sessions();
expect(list.sessions.length === devices.length, `the service knows ${list.sessions.length} logins of ${devices.length}`);
expect(proxy.ended.length === 0, `the service has refused ${proxy.ended.length} refreshes`);
for (const attempts of proxy.ended) broken.push(`a refused refresh token: ${attempts.join('; ')}`);

const { tokens, recovered } = proxy.lostForLong;
expect(recovered === tokens, `${recovered} of ${tokens} refreshes brought a pair after their answers were lost for long`);
expect(rule === 'window' || tokens > 0, 'no answer was lost for long');

const generations = devices.map((device) => device.generation);

// What is true must be noticed as well.
await devices[0]!.tabs[0]!.latchkey.endSessions();
let noticed = 0;
for (const tab of devices.flatMap((device) => device.tabs)) {
  const name = await tab.latchkey.fetch('/me').then(() => 'answered', (error: Error) => error.name);
  await sleep(0);
  if (name === 'LoggedOut' && tab.loggedOut.length === 1) noticed += 1;
}
const tabs = devices.reduce((sum, device) => sum + device.tabs.length, 0);
expect(noticed === tabs, `${noticed} of ${tabs} tabs have noticed that the login is over`);
service.stop();

const rows = (title: string, entries: Iterable<[string, number | string]>): void => {
  console.log(title);
  for (const [name, value] of entries) console.log(`  ${String(value).padStart(7)}  ${name}`);
};
console.log(`client faults: ${total} calls, seed ${seed}, ${seconds.toFixed(0)} s, ${proxy.requests} requests`);
rows('what the network did', [...proxy.faults].sort((a, b) => b[1] - a[1]));
rows('what came of the calls', [...outcomes].sort((a, b) => b[1] - a[1]));
for (const [index, device] of devices.entries()) {
  const { counts } = device;
  rows(device.name, [['generation reached', generations[index]!], ...Object.entries(counts)]);
  const never: (keyof Counts)[] = ['falseLogOuts', 'usedBeforeStored', 'secondKeys', 'leaks'];
  if (device.hasLocks) never.push('wentBack', 'oldTokensSent');
  for (const name of never) expect(counts[name] === 0, `${device.name}: ${name} ${counts[name]}`);
  expect(counts.refreshesAtOnceOfATab <= 1, `${device.name}: ${counts.refreshesAtOnceOfATab} refreshes of a tab at once`);
}
expect(!outcomes.has('answered for somebody else'), 'a call was answered for somebody else');
// The network spoils many a call by itself; one that let nothing through would show nothing.
expect((outcomes.get('answered') ?? 0) > total / 4, 'not even a quarter of the calls was answered');
if (rule === 'window') console.log('this service recovers lost answers inside the replay window only: none was lost for longer');
else rows(`answers lost for ${(replayWindow + TOLERANCE) / 1000 + 2} s or more`, [['refresh tokens', tokens], ['recovered', recovered]]);
rows('true log-outs noticed', [['of ' + tabs + ' tabs', noticed]]);
console.log(broken.length === 0 ? 'false log-outs: 0; every invariant held' : `BROKEN\n  ${broken.join('\n  ')}`);
process.exit(broken.length === 0 ? 0 : 1);
