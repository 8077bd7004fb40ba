import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalLocks, memoryStorage, Unavailable, type Locks, type Storage } from '../src/index.js';
import { outcome, page, problem, timeless, World, type Answer } from './support.js';

/** A storage that several tabs share. */
const shared = (): Storage => ({ ...memoryStorage(), oneContext: false });
/** One in which reads and writes take their time, so that those of others come between. */
function slow(): Storage {
  const memory = memoryStorage();
  let turns = 0;
  const turn = async (): Promise<void> => {
    turns += 1;
    for (let left = turns % 5 === 0 ? 25 : turns % 3; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    get: async (key) => (await timeless(turn()), memory.get(key)),
    set: async (key, value) => (await timeless(turn()), memory.set(key, value)),
    delete: async (key) => (await timeless(turn()), memory.delete(key)),
  };
}
/** No lock at all: everybody goes ahead. */
const NO_LOCKS: Locks = { request: (_name, _options, work) => work() };

test('one refresh, however many calls wait', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  await world.time.pass(299_500);
  const calls = Array.from({ length: 50 }, () => latchkey.fetch('/me'));
  const statuses = (await world.time.until(Promise.all(calls))).map((response) => response.status);
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.equal(world.refreshes.length, 1);
});

test('refreshes before expiry, so that the API never sees an old token', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  for (let minute = 0; minute < 30; minute += 1) {
    await world.time.pass(60_000);
    assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  }
  assert.ok(world.service.seen.every((seen) => seen.status === 200));
  assert.ok(world.refreshes.length >= 5 && world.refreshes.length <= 8, `${world.refreshes.length} refreshes in 30 minutes`);
});

test('a wrong clock on the device makes no difference, not even after a restart', async () => {
  for (const ahead of [-86_400_000, 86_400_000]) {
    const world = new World();
    world.ahead = ahead;
    const { storage } = await world.loggedIn();
    const { latchkey } = world.client({ storage });
    for (let calls = 0; calls < 5; calls += 1) assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
    assert.equal(world.refreshes.length, 0);
    await world.time.pass(290_000);
    assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
    assert.equal(world.refreshes.length, 1);
    assert.ok(world.service.seen.every((seen) => seen.status === 200));
  }
});

test('a clock that is set while calls wait holds up nothing', async () => {
  for (const wrong of [-86_400_000, 86_400_000]) {
    const world = new World();
    const { latchkey, loggedOut } = await world.loggedIn();
    world.fault('/refresh', 'lost', 'drop', 'drop');
    const waiting = outcome(latchkey.refresh());
    await world.time.pass(500);
    world.time.wrong = wrong;
    const begun = world.time.clock;
    assert.equal(await world.time.until(waiting), 'ok');
    assert.ok(world.time.clock - begun < 5_000, `${world.time.clock - begun}`);
    world.time.wrong = 0;
    world.fault('/refresh', problem('unavailable', { 'Retry-After': '1' }), problem('superseded'), 'pass');
    const again = outcome(latchkey.refresh());
    await world.time.pass(100);
    world.time.wrong = wrong;
    await world.time.until(again);
    await world.time.pass(31_000);
    assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
    assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
    assert.deepEqual(loggedOut, []);
  }
});

test('a clock that is wrong where no Date comes along: no refresh with each call', async () => {
  const world = new World({ sendsDate: false });
  world.ahead = -86_400_000;
  const { latchkey } = await world.loggedIn();
  for (let calls = 0; calls < 5; calls += 1) assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  assert.equal(world.refreshes.length, 0);
});

test('an answer that is lost is asked for again, with the same token and key', async () => {
  const world = new World();
  const { latchkey, loggedOut } = await world.loggedIn();
  world.fault('/refresh', 'lost', 'lost', 'lost');
  await world.time.until(latchkey.refresh());
  assert.equal(world.refreshes.length, 4);
  assert.equal(new Set(world.refreshes.map((seen) => `${seen.token} ${seen.key}`)).size, 1);
  assert.equal(world.service.generation, 1);
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  assert.deepEqual(loggedOut, []);
});

test('a lost answer is recovered hours later, and the recovered token isn’t used where it has expired', async () => {
  for (const sendsDate of [true, false]) {
    const world = new World({ sendsDate });
    const { latchkey, storage } = await world.loggedIn({ patience: 2_000 });
    world.fault('/refresh', 'lost');
    world.outage = ({ path }) => (path === '/refresh' ? 'drop' : null);
    assert.equal(await outcome(world.time.until(latchkey.refresh())), 'Unavailable');
    await world.time.pass(5 * 3_600_000);
    world.outage = null;
    const restarted = world.client({ storage });
    assert.equal(await outcome(world.time.until(restarted.latchkey.fetch('/me', { method: 'POST', body: new Blob(['x']).stream() }))), '200');
    assert.deepEqual(world.service.seen.filter(({ path }) => path === '/me').map(({ status }) => status), [200], 'no expired token was sent');
    assert.equal(world.service.generation, 2);
    assert.equal(await outcome(world.time.until(restarted.latchkey.accessToken())), 'ok');
    assert.equal(world.service.generation, 2);
    assert.deepEqual(restarted.loggedOut, []);
  }
});

test('the pair that was recovered is stored before it is refreshed', async () => {
  const world = new World();
  const { latchkey, storage } = await world.loggedIn({ patience: 2_000 });
  world.fault('/refresh', 'lost');
  world.outage = ({ path }) => (path === '/refresh' ? 'drop' : null);
  await outcome(world.time.until(latchkey.refresh()));
  await world.time.pass(3_600_000);
  world.outage = null;
  world.fault('/refresh', 'pass', 'drop', 'drop');
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me', { timeout: 100 }))), 'Unavailable');
  assert.equal(JSON.parse((await storage.get('latchkey'))!).generation, 1);
});

test('a clock set ahead where no Date comes along: two refreshes, and none with each call after', async () => {
  const world = new World({ sendsDate: false });
  const { latchkey } = await world.loggedIn();
  world.time.wrong = 86_400_000;
  for (let calls = 0; calls < 5; calls += 1) assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  assert.equal(world.refreshes.length, 2);
});

test('the storage is read right before a refresh is sent, in the same turn', async () => {
  const world = new World();
  const memory = memoryStorage();
  let turn = 0;
  let read = -1;
  const storage: Storage = { ...memory, get: async (key) => ((read = turn), memory.get(key)) };
  const sent: number[] = [];
  const { latchkey } = await world.loggedIn({
    storage,
    fetch: (url, init) => (url.endsWith('/refresh') && sent.push(turn - read), world.fetch(url, init)),
  });
  setInterval(() => (turn += 1), 0).unref();
  world.fault('/refresh', 'drop', 'drop', 'drop');
  await world.time.until(latchkey.refresh());
  assert.deepEqual(sent, [0, 0, 0, 0]);
});

test('an outage is remembered from call to call: an app that asks each second sends no more', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn({ patience: 500 });
  await world.time.pass(300_000);
  world.outage = ({ path }) => (path === '/refresh' ? problem('unavailable', { 'Retry-After': '1' }) : null);
  for (let seconds = 0; seconds < 20; seconds += 1) {
    await outcome(world.time.until(latchkey.fetch('/me')));
    await world.time.pass(1_000);
  }
  const asked = world.sent.filter(({ path }) => path === '/refresh').length;
  assert.ok(asked >= 2 && asked <= 4, `${asked}`);
});

test('an answer that never comes is asked for again', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn({ attemptTimeout: 5_000 });
  world.fault('/refresh', 'hang');
  await world.time.until(latchkey.refresh());
  assert.equal(world.service.generation, 1);
});

test('a call that gives up doesn’t stop the refresh that it began', async () => {
  const world = new World();
  const { latchkey, loggedOut } = await world.loggedIn({ patience: 500 });
  world.fault('/refresh', 'lost', 'drop', 'drop', 'drop');
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'Unavailable');
  // No call waits now; yet the pair that the lost answer carried is fetched inside the replay window.
  await world.time.pass(29_000);
  assert.equal(world.service.generation, 1);
  await world.time.pass(60_000);
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  assert.deepEqual(loggedOut, []);
});

test('nothing but the one answer logs out', async () => {
  const answers: Answer[] = [
    page(401), page(302, { Location: 'http://portal.test/' }), page(200), page(503), page(511), problem('missing_token'),
    problem('throttled', { 'Retry-After': '1' }), problem('unavailable', { 'Retry-After': '1' }), problem('internal'), problem('superseded'),
    { status: 401, headers: { 'Content-Type': 'application/json' }, body: '{"message":"Unauthorized"}' },
    { status: 408, headers: {}, body: '' }, { status: 403, headers: {}, body: '{"code":"invalid_token"}' },
  ];
  for (const answer of answers) {
    const world = new World();
    const { latchkey, loggedOut } = await world.loggedIn({ patience: 3_000 });
    await world.time.pass(300_000);
    world.outage = ({ path }) => (path === '/refresh' ? answer : null);
    const failed = await world.time.until(latchkey.fetch('/me')).catch((error: unknown) => error);
    assert.ok(failed instanceof Unavailable, `${answer.status}`);
    assert.equal(failed.status, answer.status);
    assert.ok(await latchkey.session());
    world.outage = null;
    await world.time.pass(31_000);
    assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200', `after ${answer.status}`);
    assert.deepEqual(loggedOut, []);
  }
});

test('the one answer does, once, for every call that waits', async () => {
  const world = new World();
  const { latchkey, loggedOut, storage } = await world.loggedIn();
  world.service.endAll();
  const calls = await world.time.until(Promise.all([1, 2, 3].map(() => outcome(latchkey.fetch('/me')))));
  assert.deepEqual(calls, ['LoggedOut', 'LoggedOut', 'LoggedOut']);
  assert.deepEqual(loggedOut, ['ended']);
  assert.equal(await storage.get('latchkey'), null);
  assert.equal(world.refreshes.length, 1);
  assert.equal(await outcome(latchkey.refresh()), 'LoggedOut');
  assert.equal(world.refreshes.length, 1);
});

test('a verdict on a token that is no longer stored says nothing', async () => {
  const world = new World();
  const storage = shared();
  const a = await world.loggedIn({ storage, locks: NO_LOCKS });
  const b = world.client({ storage, locks: NO_LOCKS });
  let answer: (answer: Answer) => void = () => {};
  world.fault('/refresh', () => new Promise((resolve) => (answer = resolve)));
  const slow = a.latchkey.refresh();
  await world.time.quiet();
  await world.time.until(b.latchkey.refresh());
  answer(problem('invalid_token'));
  await world.time.until(slow);
  assert.deepEqual([...a.loggedOut, ...b.loggedOut], []);
  assert.equal(await outcome(world.time.until(a.latchkey.fetch('/me'))), '200');
});

test('Retry-After is waited for, and a call that can’t wait so long is told at once', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn({ patience: 10_000 });
  world.fault('/refresh', problem('unavailable', { 'Retry-After': '7' }));
  await world.time.until(latchkey.refresh());
  assert.ok(world.time.slept.some((slept) => slept >= 7_000), String(world.time.slept));

  world.fault('/refresh', problem('throttled', { 'Retry-After': '60' }));
  const before = world.time.clock;
  const failed = await world.time.until(latchkey.refresh()).catch((error: unknown) => error);
  assert.ok(failed instanceof Unavailable);
  assert.equal(failed.retryAfter, 60);
  assert.ok(world.time.clock - before < 1_000);
  const asked = world.refreshes.length;
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'Unavailable');
  assert.equal(world.sent.filter((sent) => sent.path === '/refresh').length, asked + 2, 'the service isn’t asked before');
  await world.time.pass(60_000);
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
});

test('superseded: waits for the pair of the other tab, and keeps the old token to itself', async () => {
  const world = new World();
  const storage = shared();
  const a = await world.loggedIn({ storage, locks: NO_LOCKS });
  const b = world.client({ storage, locks: NO_LOCKS });
  world.fault('/refresh', problem('superseded'));
  const waiting = a.latchkey.refresh();
  await world.time.pass(3_000);
  const sent = world.sent.filter(({ path }) => path === '/refresh').length;
  assert.equal(sent, 1);
  await world.time.until(b.latchkey.refresh());
  await world.time.until(waiting);
  assert.equal(world.sent.filter(({ path }) => path === '/refresh').length, 2, 'one of each');
  assert.equal(await outcome(world.time.until(a.latchkey.fetch('/me'))), '200');
});

test('superseded and no newer pair ever: asked again after the window, and the service’s word counts', async () => {
  const world = new World();
  const { latchkey, loggedOut } = await world.loggedIn();
  world.fault('/refresh', problem('superseded'));
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'Unavailable');
  world.service.endAll();
  await world.time.pass(31_000);
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'LoggedOut');
  assert.deepEqual(loggedOut, ['ended']);
});

test('a newer pair is never written over by an older one', async () => {
  const world = new World();
  const storage = shared();
  const a = await world.loggedIn({ storage, locks: NO_LOCKS });
  const b = world.client({ storage, locks: NO_LOCKS });
  let go = (): void => {};
  world.fault('/refresh', async (answer) => {
    const given = answer();
    await new Promise<void>((resolve) => (go = resolve));
    return given;
  });
  const slow = a.latchkey.refresh();
  await world.time.quiet();
  await world.time.until(b.latchkey.refresh());
  await world.time.until(b.latchkey.refresh());
  const newest = await storage.get('latchkey');
  go();
  await world.time.until(slow);
  assert.equal(await storage.get('latchkey'), newest);
  assert.equal(await outcome(world.time.until(a.latchkey.fetch('/me'))), '200');
});

test('a storage that goes back to an older pair is put right', async () => {
  const world = new World();
  const { latchkey, storage, loggedOut } = await world.loggedIn();
  const old = await storage.get('latchkey');
  await world.time.until(latchkey.refresh());
  await world.time.pass(100_000);
  await storage.set('latchkey', old!);
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
  assert.deepEqual(loggedOut, []);
});

test('tabs without a lock: the same key for the same token, the same pair, nobody logged out', async () => {
  const world = new World();
  const storage = slow();
  const tabs = [await world.loggedIn({ storage, locks: NO_LOCKS })];
  while (tabs.length < 8) tabs.push(world.client({ storage, locks: NO_LOCKS }));
  for (let round = 0; round < 10; round += 1) {
    // Twice, for the second comes before the first is stored in every tab.
    const all = tabs.map(async ({ latchkey }) => `${await outcome(latchkey.refresh())} ${await outcome(latchkey.refresh())}`);
    assert.deepEqual(new Set(await world.time.until(Promise.all(all))), new Set(['ok ok']));
    await world.time.pass(31_000);
  }
  assert.ok(world.service.generation >= 20);
  assert.ok(world.busiest > 1, 'they did race');
  const keys = new Map<string, Set<string>>();
  for (const { token, key } of world.refreshes) keys.set(token!, (keys.get(token!) ?? new Set()).add(key!));
  assert.ok([...keys.values()].every((each) => each.size === 1));
  assert.equal(new Set([...keys.values()].map((each) => [...each][0])).size, keys.size, 'another key for each token');
  assert.deepEqual(tabs.flatMap(({ loggedOut }) => loggedOut), []);
});

test('tabs with a lock: one asks, the others take its pair', async () => {
  const world = new World();
  const storage = shared();
  const locks = new LocalLocks();
  const tabs = [await world.loggedIn({ storage, locks })];
  while (tabs.length < 8) tabs.push(world.client({ storage, locks }));
  await world.time.until(Promise.all(tabs.map(({ latchkey }) => latchkey.refresh())));
  assert.equal(world.refreshes.length, 1);
});

test('a tab that sleeps on its lock holds up nobody', async () => {
  const world = new World();
  const asleep: Locks = { request: (_name, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))) };
  const { latchkey } = await world.loggedIn({ locks: asleep });
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
});

test('persists before use: no pair is used that couldn’t be stored', async () => {
  const world = new World();
  const memory = memoryStorage();
  let broken = false;
  const storage: Storage = {
    ...memory,
    set: (key, value) => (broken ? Promise.reject(new Error(`quota exceeded: ${value}`)) : memory.set(key, value)),
  };
  const { latchkey, loggedOut } = await world.loggedIn({ storage });
  broken = true;
  const failed = await world.time.until(latchkey.refresh()).catch((error: unknown) => error);
  assert.ok(failed instanceof Unavailable && failed.reason === 'storage');
  assert.equal(world.refreshes.length, 1, 'the pair is at hand; the service needn’t be asked again');
  // Longer than the window: asking again with the old token would end the login.
  await world.time.pass(120_000);
  broken = false;
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  const used = new Set(world.service.seen.filter(({ path }) => path === '/me').map(({ token }) => token));
  const stored = (await storage.get('latchkey'))!;
  assert.ok(used.size >= 1 && stored.includes([...used].at(-1)!));
  assert.deepEqual(loggedOut, []);
});

test('a restart between a refresh and its answer', async () => {
  const world = new World();
  const { latchkey, storage } = await world.loggedIn();
  world.fault('/refresh', 'lost', 'hang');
  void outcome(latchkey.refresh());
  await world.time.pass(400);
  const again = world.client({ storage });
  await world.time.until(again.latchkey.refresh());
  assert.equal(new Set(world.refreshes.map(({ token, key }) => `${token} ${key}`)).size, 1);
  assert.equal(world.service.generation, 1);
});
