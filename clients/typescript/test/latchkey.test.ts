import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Latchkey, memoryStorage, Refused, secureStorage, StorageFailed, Unavailable, webStorage, type Storage } from '../src/index.js';
import { outcome, page, problem, REFUSAL, World } from './support.js';

const DEMO = { username: 'demo', password: 'correct-horse-battery-staple' };

test('logs in, calls, logs out', async () => {
  const world = new World();
  const { latchkey, storage, loggedOut } = world.client();
  assert.equal(await outcome(latchkey.fetch('/me')), 'LoggedOut');
  const session = await world.time.until(latchkey.login(DEMO));
  assert.deepEqual(await latchkey.session(), session);
  assert.equal((await world.time.until(latchkey.fetch('https://api.test/me'))).status, 200);
  await world.time.until(latchkey.logout());
  assert.match(world.service.seen.at(-1)!.token!, /^lkr_/);
  assert.equal(await storage.get('latchkey'), null);
  assert.equal(await latchkey.session(), null);
  assert.deepEqual(loggedOut, ['logout']);
  await latchkey.logout();
  assert.deepEqual(loggedOut, ['logout']);
});

test('a refused login says why, and leaves what was there', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  const before = await latchkey.session();
  const refused = await world.time.until(latchkey.login({ ...DEMO, password: 'wrong' })).catch((error: unknown) => error);
  assert.ok(refused instanceof Refused && refused.problem === 'invalid_credentials' && refused.status === 401);
  for (const answer of [page(401), page(200), problem('throttled', { 'Retry-After': '30' })]) {
    world.fault('/login', answer);
    const failed = await world.time.until(latchkey.login(DEMO)).catch((error: unknown) => error);
    assert.ok(failed instanceof Unavailable, String(answer.status));
    assert.equal(failed.retryAfter, answer.status === 429 ? 30 : undefined);
  }
  assert.deepEqual(await latchkey.session(), before);
});

test('one device id for an installation', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  await world.time.until(latchkey.logout());
  await world.time.until(latchkey.login(DEMO));
  const ids = world.service.seen.filter(({ path }) => path === '/login').map(({ deviceId }) => deviceId);
  assert.equal(ids.length, 2);
  assert.equal(ids[0], ids[1]);
  assert.match(ids[0]!, /^[A-Za-z0-9_-]{16,64}$/);
});

test('a refused token is refreshed, and the call repeated once', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  world.fault('/me', REFUSAL);
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  assert.equal(world.refreshes.length, 1);
  await world.time.pass(11_000);
  world.fault('/me', page(401), page(401), page(401));
  const again = await world.time.until(latchkey.fetch('/me'));
  assert.equal(again.status, 401, 'the second refusal is the API’s word');
  assert.equal(world.refreshes.length, 2);
});

test('a refused token isn’t refreshed where a newer one is stored', async () => {
  const world = new World();
  const storage: Storage = { ...memoryStorage(), oneContext: false };
  const a = await world.loggedIn({ storage });
  const b = world.client({ storage });
  let go = (): void => {};
  world.fault('/me', async (answer) => {
    await new Promise<void>((resolve) => (go = resolve));
    return answer();
  });
  const call = a.latchkey.fetch('/me');
  await world.time.quiet();
  await world.time.until(b.latchkey.refresh());
  go();
  assert.equal((await world.time.until(call)).status, 200);
  assert.equal(world.refreshes.length, 1);
});

test('an API with 401s of its own, and one that says 403', async () => {
  const world = new World();
  const own = await world.loggedIn({ isRefusal: (response) => response.headers.get('WWW-Authenticate')?.includes('invalid_token') ?? false });
  world.fault('/me', page(401));
  assert.equal(await outcome(world.time.until(own.latchkey.fetch('/me'))), '401');
  assert.equal(world.refreshes.length, 0);
  const http = await world.loggedIn({ isRefusal: ({ status }) => status === 403 });
  world.fault('/me', page(403));
  assert.equal(await outcome(world.time.until(http.latchkey.fetch('/me'))), '200');
  assert.equal(world.refreshes.length, 1);
});

test('an API that wants a fresh authentication neither costs a refresh nor the session', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  for (const name of ['WWW-Authenticate', 'x-amzn-Remapped-WWW-Authenticate']) {
    const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"';
    const stepUp = { ...page(401), headers: { 'Content-Type': 'application/problem+json', [name]: challenge } };
    world.outage = ({ path }) => (path === '/me' ? stepUp : null);
    // The token is older than 10 s, and any other 401 would be taken for a refusal of it.
    await world.time.pass(11_000);
    const answer = await world.time.until(latchkey.fetch('/me'));
    assert.equal(answer.status, 401);
    assert.ok(answer.headers.get(name)?.includes('max_age'), 'the app reads the challenge');
  }
  assert.equal(world.refreshes.length, 0);
  world.outage = () => null;
  assert.equal((await world.time.until(latchkey.fetch('/me'))).status, 200, 'the session is still there');
});

test('an API’s own 401 costs no refresh while the token is younger than 10 s, unless it says invalid_token', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  const own = { ...page(401), headers: { 'Content-Type': 'application/json', 'WWW-Authenticate': 'Bearer' } };
  world.outage = ({ path }) => (path === '/me' ? own : null);
  await world.time.pass(11_000);
  for (let calls = 0; calls < 100; calls += 1) assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '401');
  assert.equal(world.refreshes.length, 1);
  for (const name of ['WWW-Authenticate', 'x-amzn-Remapped-WWW-Authenticate']) {
    const before: number = world.refreshes.length;
    world.outage = null;
    world.fault('/me', problem('invalid_token', { [name]: 'Bearer error="invalid_token"' }));
    assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200', name);
    assert.equal(world.refreshes.length, before + 1, name);
  }
  // A device's clock that was set back says nothing of the token's age.
  world.time.wrong = -86_400_000;
  world.fault('/me', own);
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
});

test('a call isn’t repeated in the name of somebody else', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  let go = (): void => {};
  world.fault('/me', () => new Promise((resolve) => (go = () => resolve(problem('invalid_token')))));
  const call = latchkey.fetch('/me');
  await world.time.quiet();
  await world.time.until(latchkey.login(DEMO));
  go();
  assert.equal((await world.time.until(call)).status, 401);
});

test('a body that is used up isn’t sent again', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  const body = (): ReadableStream => new ReadableStream({ start: (controller) => controller.close() });
  world.fault('/me', REFUSAL);
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me', { method: 'POST', body: body() }))), '401');
  assert.equal(world.service.seen.filter(({ path }) => path === '/me').length, 0);
  assert.equal(world.refreshes.length, 1, 'the next call has a good token');
});

test('where a refresh doesn’t work out, a token that is merely due still does', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  await world.time.pass(280_000);
  world.outage = ({ path }) => (path === '/refresh' ? problem('unavailable', { 'Retry-After': '1' }) : null);
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
});

test('the wait of a call is bounded, by the client’s patience, its own timeout and its signal', async () => {
  const world = new World();
  const { latchkey, loggedOut } = await world.loggedIn({ patience: 8_000 });
  await world.time.pass(300_000);
  world.outage = ({ path }) => (path === '/refresh' ? 'drop' : null);
  const waited = async (call: () => Promise<unknown>): Promise<[string, number]> => {
    const begun = world.time.clock;
    const word = await outcome(world.time.until(call()));
    return [word, world.time.clock - begun];
  };
  const [word, patience] = await waited(() => latchkey.fetch('/me'));
  assert.equal(word, 'Unavailable');
  assert.ok(patience <= 8_100, `${patience}`);
  const [timeoutWord, timeout] = await waited(() => latchkey.fetch('/me', { timeout: 1_000 }));
  assert.equal(timeoutWord, 'Unavailable');
  assert.ok(timeout <= 1_100, `${timeout}`);

  const stop = new AbortController();
  const call = latchkey.fetch('/me', { signal: stop.signal });
  await world.time.quiet();
  stop.abort(new Error('the screen was closed'));
  await assert.rejects(call, /the screen was closed/);
  world.outage = null;
  await world.time.pass(10_000);
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  assert.deepEqual(loggedOut, []);
});

test('timeout and signal go on to the API’s request', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  world.fault('/me', 'hang');
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me', { timeout: 2_000 }))), 'Unavailable');
  world.fault('/me', 'hang');
  const stop = new AbortController();
  const call = latchkey.fetch('/me', { signal: stop.signal, timeout: 60_000 });
  await world.time.quiet();
  stop.abort(new Error('enough'));
  await assert.rejects(call, /enough/);
});

test('logging out where the service can’t be reached keeps the session; forget() doesn’t', async () => {
  const world = new World();
  const { latchkey, loggedOut, storage } = await world.loggedIn();
  for (const fault of ['drop', problem('unavailable', { 'Retry-After': '1' }), page(401), page(200)] as const) {
    world.fault('/logout', fault);
    assert.equal(await outcome(world.time.until(latchkey.logout())), 'Unavailable');
    assert.ok(await latchkey.session());
  }
  assert.deepEqual(loggedOut, []);
  world.fault('/logout', problem('invalid_token'));
  await world.time.until(latchkey.logout());
  assert.equal(await latchkey.session(), null);

  await world.time.until(latchkey.login(DEMO));
  await latchkey.forget();
  assert.equal(await storage.get('latchkey'), null);
  assert.deepEqual(loggedOut, ['logout', 'logout']);
});

test('logged out while a refresh is in flight: it stays so', async () => {
  const world = new World();
  const { latchkey, storage } = await world.loggedIn();
  let go = (): void => {};
  world.fault('/refresh', async (answer) => {
    const given = answer();
    await new Promise<void>((resolve) => (go = resolve));
    return given;
  });
  const refresh = outcome(latchkey.refresh());
  await world.time.quiet();
  await world.time.until(latchkey.logout());
  go();
  assert.equal(await world.time.until(refresh), 'LoggedOut');
  assert.equal(await storage.get('latchkey'), null);
});

test('logged out by another tab', async () => {
  const world = new World();
  const storage: Storage = { ...memoryStorage(), oneContext: false };
  const a = await world.loggedIn({ storage });
  const b = world.client({ storage });
  await world.time.until(b.latchkey.fetch('/me'));
  await world.time.until(a.latchkey.logout());
  assert.equal(await outcome(world.time.until(b.latchkey.fetch('/me'))), 'LoggedOut');
  assert.deepEqual(b.loggedOut, ['elsewhere']);
});

test('the token goes to the addresses that were named, and to no other', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn({ apis: ['https://orders.test/v2/'] });
  for (const url of ['https://orders.test/v2', 'https://orders.test/v2/me?x=1', 'https://api.test/me', '/me', 'https://api.test?x']) {
    await world.time.until(latchkey.fetch(url));
  }
  const sent = world.sent.length;
  for (const url of [
    'https://evil.test/', 'http://api.test/me', 'https://api.test.evil.test/', 'https://api.test@evil.test/', 'https://api.test:8443/me',
    '//evil.test/', 'https://orders.test/v21', 'https://orders.test/', 'me', '',
    // A parser of addresses leads these out of what they begin with.
    'https://orders.test/v2/../me', 'https://orders.test/v2/%2E%2e/me', 'https://orders.test/v2/.\t./me', '/\\evil.test', '/..', '/./',
  ]) {
    await assert.rejects(latchkey.fetch(url), TypeError, url);
  }
  assert.equal(world.sent.length, sent);
  // No password and no token follows a redirect.
  const own = world.inits.filter((_, index) => /\/(login|refresh|logout)$/.test(world.urls[index]!));
  assert.ok(own.length > 0 && own.every(({ redirect, credentials }) => redirect === 'manual' && credentials === 'omit'));
  for (const attemptTimeout of [15_001, 30_000]) {
    assert.throws(() => new Latchkey({ baseUrl: 'https://api.test', storage: memoryStorage(), attemptTimeout }), /half of replayWindow/);
  }
  for (const baseUrl of ['api.test', 'https://', 'https://a@b', '/v1', 'https://api.test/v1?x']) {
    assert.throws(() => new Latchkey({ baseUrl, storage: memoryStorage() }), TypeError, baseUrl);
  }
});

test('the device list, and ending from it', async () => {
  const world = new World();
  const { latchkey, loggedOut } = await world.loggedIn();
  const row = { login_id: 'x', current: true };
  const list = { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ sessions: [row], next: 'more' }) };
  const done = { status: 204, headers: {}, body: '' };
  world.fault('/sessions?limit=1&after=a%2Fb', problem('invalid_token'), list);
  assert.deepEqual(await world.time.until(latchkey.sessions({ limit: 1, after: 'a/b' })), { sessions: [row], next: 'more' });
  world.fault('/sessions', page(200));
  await assert.rejects(world.time.until(latchkey.sessions()), Unavailable);
  const other = 'A'.repeat(22);
  world.fault(`/sessions/${other}`, problem('not_found'));
  await world.time.until(latchkey.endSession(other));
  world.fault('/sessions?keep=current', done);
  await world.time.until(latchkey.endSessions({ keepCurrent: true }));
  assert.deepEqual(loggedOut, []);
  world.fault('/sessions', done);
  await world.time.until(latchkey.endSessions());
  assert.deepEqual(loggedOut, ['logout']);

  const { loginId } = await world.time.until(latchkey.login(DEMO));
  world.fault(`/sessions/${loginId}`, done);
  await world.time.until(latchkey.endSession(loginId));
  assert.equal(await latchkey.session(), null);
});

test('a changed password goes on with a new login', async () => {
  const world = new World();
  const { latchkey, loggedOut } = await world.loggedIn();
  const before = await latchkey.session();
  const events: string[] = [];
  latchkey.subscribe(({ type }) => void events.push(type));
  const change = { username: 'demo', currentPassword: DEMO.password, newPassword: 'violin gravel postcode heron' };
  for (const code of ['invalid_credentials', 'weak_password']) {
    world.fault('/me/password', problem(code));
    const refused = await world.time.until(latchkey.changePassword(change)).catch((error: unknown) => error);
    assert.ok(refused instanceof Refused && refused.problem === code, code);
  }
  // A wrong password is no word on the token: nothing is refreshed, and the session stays.
  assert.equal(world.service.count('/refresh'), 0);
  assert.deepEqual(await latchkey.session(), before);

  const login = { method: 'POST', path: '/login', headers: { 'content-type': 'application/json' }, body: JSON.stringify(DEMO) };
  world.fault('/me/password', problem('invalid_token'), world.service.handle(login));
  const session = await world.time.until(latchkey.changePassword(change));
  assert.equal(world.service.count('/refresh'), 1, 'a refused token is refreshed, and the change sent once more');
  assert.notEqual(session.loginId, before!.loginId);
  assert.deepEqual(await latchkey.session(), session);
  assert.deepEqual(JSON.parse(world.sent.at(-1)!.body), { username: 'demo', current_password: DEMO.password, new_password: change.newPassword });
  assert.equal((await world.time.until(latchkey.fetch('/me'))).status, 200);
  assert.deepEqual([loggedOut, events.includes('out')], [[], false]);
});

test('an id that is none is refused before anything is sent', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  const sent = world.sent.length;
  for (const id of ['', '.', '..', '%2e', 'x'.repeat(21), 'x'.repeat(23), `${'x'.repeat(21)}/`, ` ${'x'.repeat(21)}`, undefined, null]) {
    await assert.rejects(latchkey.endSession(id as string), TypeError, String(id));
  }
  assert.equal(world.sent.length, sent);
});

test('a device id that can’t be read is drawn anew; one that can’t be written is left out', async () => {
  const world = new World();
  const values = new Map<string, string>();
  const unreadable = new Set(['latchkey', 'latchkey.device']);
  const storage: Storage = {
    oneContext: true,
    get: async (key) => (unreadable.has(key) ? Promise.reject(new Error('could not decrypt')) : (values.get(key) ?? null)),
    set: async (key, value) => void (unreadable.delete(key), values.set(key, value)),
    delete: async (key) => void (unreadable.delete(key), values.delete(key)),
  };
  const { latchkey } = world.client({ storage });
  assert.equal(await outcome(latchkey.session()), 'StorageFailed');
  await world.time.until(latchkey.login(DEMO));
  assert.equal(world.service.seen.at(-1)!.deviceId, values.get('latchkey.device'));
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');

  const memory = memoryStorage();
  const refusing: Storage = { ...memory, set: async (key, value) => (key.endsWith('.device') ? Promise.reject(new Error('full')) : memory.set(key, value)) };
  await world.time.until(world.client({ storage: refusing }).latchkey.login(DEMO));
  assert.equal(world.service.seen.at(-1)!.deviceId, null);
});

test('a login that can’t be stored is ended at the service', async () => {
  const world = new World();
  const storage: Storage = { ...memoryStorage(), set: () => Promise.reject(new Error('full')) };
  assert.equal(await outcome(world.time.until(world.client({ storage }).latchkey.login(DEMO))), 'StorageFailed');
  assert.deepEqual(world.service.seen.map(({ path, status }) => `${path} ${status}`), ['/login 200', '/logout 204']);
});

test('http:// leads to this machine only, unless that is allowed', () => {
  const of = (baseUrl: string, allowHttp?: boolean): Latchkey => new Latchkey({ baseUrl, storage: memoryStorage(), ...(allowHttp ? { allowHttp } : {}) });
  for (const host of ['localhost', 'localhost:3000', '127.0.0.1:3000', '127.9.9.9', '[::1]:3000', 'app.localhost', 'LOCALHOST']) of(`http://${host}/v1`);
  for (const host of ['api.test', '192.168.1.2:3000', 'localhost.evil.test', '127.0.0.1.evil.test', '0.0.0.0', 'notlocalhost']) {
    assert.throws(() => of(`http://${host}`), TypeError, host);
    of(`http://${host}`, true);
    of(`https://${host}`);
  }
  assert.throws(() => new Latchkey({ baseUrl: 'https://api.test', apis: ['http://orders.test'], storage: memoryStorage() }), TypeError);
});

test('onEvent hears of each request, without tokens, passwords and ids', async () => {
  const events: unknown[] = [];
  const world = new World();
  const { latchkey } = await world.loggedIn({ onEvent: (event) => void events.push(event), attemptTimeout: 1_000 });
  world.fault('/refresh', 'drop', 'hang');
  await world.time.until(latchkey.refresh());
  await assert.rejects(world.time.until(latchkey.endSession('A'.repeat(22))).then(() => Promise.reject(new Error('done'))), /done/);
  await world.time.until(latchkey.logout());
  const told = (kind: string, attempt: number, more: object): object => ({ kind, attempt, milliseconds: 0, ...more });
  assert.deepEqual(events, [
    told('login', 1, { status: 200 }),
    told('refresh', 1, { reason: 'network' }),
    told('refresh', 2, { reason: 'timeout', milliseconds: 1_000 }),
    told('refresh', 3, { status: 200 }),
    told('sessions', 1, { status: 404 }),
    told('logout', 1, { status: 204 }),
  ]);
});

test('a storage that fails is not "no session"', async () => {
  const world = new World();
  const memory = memoryStorage();
  let locked = false;
  const storage: Storage = { ...memory, get: async (key) => (locked ? Promise.reject(new Error('the keychain is locked')) : memory.get(key)) };
  const { latchkey, loggedOut } = await world.loggedIn({ storage });
  locked = true;
  assert.equal(await outcome(latchkey.fetch('/me')), 'StorageFailed');
  assert.equal(await outcome(latchkey.refresh()), 'StorageFailed');
  locked = false;
  assert.equal(await outcome(world.time.until(latchkey.fetch('/me'))), '200');
  await memory.set('latchkey', '{"something":"else"}');
  await assert.rejects(latchkey.fetch('/me'), StorageFailed);
  assert.deepEqual(loggedOut, []);
  await latchkey.forget();
  await world.time.until(latchkey.login(DEMO));
});

test('the adapters', async () => {
  const values = new Map<string, string>();
  const local = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
  const secure = {
    getItemAsync: async (key: string) => local.getItem(key),
    setItemAsync: async (key: string, value: string) => local.setItem(key, value),
    deleteItemAsync: async (key: string) => local.removeItem(key),
  };
  for (const storage of [memoryStorage(), webStorage(local), secureStorage(secure)]) {
    assert.equal(await storage.get('a'), null);
    await storage.set('a', '1');
    assert.equal(await storage.get('a'), '1');
    await storage.delete('a');
    assert.equal(await storage.get('a'), null);
  }
});

test('no token and no password in an error, nor in what inspect shows of a client', async () => {
  const world = new World();
  const broken: Storage = { ...memoryStorage(), set: (_key, value) => Promise.reject(new Error(value)) };
  const shown: unknown[] = [await world.time.until(world.client({ storage: broken }).latchkey.login(DEMO)).catch((error: unknown) => error)];
  const { latchkey, storage } = await world.loggedIn({ patience: 300 });
  world.fault('/login', 'drop', page(200), { ...problem('invalid_credentials'), body: `{"code":"${DEMO.password}"}` });
  for (let calls = 0; calls < 3; calls += 1) shown.push(await world.time.until(latchkey.login(DEMO)).catch((error: unknown) => error));
  await world.time.pass(300_000);
  world.outage = () => 'drop';
  shown.push(await world.time.until(latchkey.fetch('/me')).catch((error: unknown) => error));
  shown.push(await world.time.until(latchkey.logout()).catch((error: unknown) => error));
  await storage.set('latchkey', (await storage.get('latchkey'))!.slice(2));
  shown.push(await latchkey.fetch('/me').catch((error: unknown) => error));
  assert.ok(shown.every((error) => error instanceof Error));
  const text = [...shown, latchkey].map((value) => inspect(value, { depth: 9, showHidden: true }) + JSON.stringify(value)).join('\n');
  assert.doesNotMatch(text, /lk[ar]_|correct-horse/);
});
