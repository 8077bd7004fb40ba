// What platforms and libraries bring along: Request, streams, polyfills, tabs, React.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { AbortController as Polyfill } from 'abort-controller';
import axios from 'axios';
import ky from 'ky';
import { createFetch } from 'ofetch';
import { createElement } from 'react';
import { act, create } from 'react-test-renderer';
import { memoryStorage, webStorage, type SessionEvent, type Storage } from '../src/index.js';
import { useSession } from '../src/react.js';
import { outcome, page, REFUSAL, World, type Answer } from './support.js';

const OK: Answer = { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"ok":true}' };
const URL_OF = 'https://api.test/orders';

/** A client whose API refuses the first token it gets, and what reached it. */
async function refusedOnce(): Promise<{ world: World; latchkey: Awaited<ReturnType<World['loggedIn']>>['latchkey']; reached: () => string[] }> {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  world.fault('/orders', REFUSAL, OK);
  const reached = (): string[] => world.sent.filter(({ path }) => path === '/orders').map(({ method, headers, body }) => `${method} ${headers['x-trace'] ?? ''} ${body}`);
  return { world, latchkey, reached };
}

test('a URL and a Request go as a text does, and are repeated whole', async () => {
  const inputs: [string, (fetch: typeof globalThis.fetch) => Promise<Response>][] = [
    ['text', (fetch) => fetch(URL_OF, { method: 'POST', body: 'hello', headers: { 'X-Trace': 'a' } })],
    ['URL', (fetch) => fetch(new URL(URL_OF), { method: 'POST', body: 'hello', headers: { 'X-Trace': 'a' } })],
    ['Request', (fetch) => fetch(new Request(URL_OF, { method: 'POST', body: 'hello', headers: { 'X-Trace': 'a' } }))],
    ['Request and options', (fetch) => fetch(new Request(URL_OF, { method: 'PUT', body: 'bye', headers: { 'X-Trace': 'a' } }), { method: 'POST', body: 'hello' })],
  ];
  for (const [name, call] of inputs) {
    const { world, latchkey, reached } = await refusedOnce();
    assert.equal((await world.time.until(call(latchkey.fetch as typeof fetch))).status, 200, name);
    assert.deepEqual(reached(), ['POST a hello', 'POST a hello'], name);
  }
  const { world, latchkey } = await refusedOnce();
  const sent = world.sent.length;
  for (const input of [new URL('https://evil.test/'), new Request('https://evil.test/')]) await assert.rejects(latchkey.fetch(input), TypeError);
  assert.equal(world.sent.length, sent);
});

test('a Request’s own signal aborts the call', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  world.fault('/orders', 'hang');
  const stop = new AbortController();
  const call = latchkey.fetch(new Request(URL_OF, { signal: stop.signal }));
  await world.time.quiet();
  stop.abort(new Error('enough'));
  await assert.rejects(call, /enough/);
});

test('ky, ofetch and axios run on it', async () => {
  const libraries: [string, (fetch: typeof globalThis.fetch) => Promise<unknown>][] = [
    ['ky', (fetch) => ky.post(URL_OF, { fetch, retry: 0, json: { n: 1 }, headers: { 'X-Trace': 'a' } }).json()],
    ['ofetch', (fetch) => createFetch({ fetch, Headers, AbortController })(URL_OF, { method: 'POST', body: { n: 1 }, headers: { 'X-Trace': 'a' }, retry: 0 })],
    ['axios', (fetch) => axios.create({ adapter: 'fetch', env: { fetch, Request, Response } as object }).post(URL_OF, { n: 1 }, { headers: { 'X-Trace': 'a' } }).then(({ data }) => data)],
  ];
  for (const [name, call] of libraries) {
    const { world, latchkey, reached } = await refusedOnce();
    assert.deepEqual(await world.time.until(call(latchkey.fetch as typeof fetch)), { ok: true }, name);
    assert.deepEqual(reached(), ['POST a {"n":1}', 'POST a {"n":1}'], name);
  }
});

test('a body that is used up by sending is never sent again, empty', async () => {
  const bodies: [string, () => unknown][] = [
    ['generator', async function* () { yield Buffer.from('hello'); }],
    ['Node stream', () => Readable.from([Buffer.from('hello')])],
    ['ReadableStream', () => new Blob(['hello']).stream()],
  ];
  for (const [name, body] of bodies) {
    const { world, latchkey, reached } = await refusedOnce();
    const init = { method: 'POST', body: body(), duplex: 'half' } as RequestInit;
    assert.equal(await outcome(world.time.until(latchkey.fetch(URL_OF, init))), '401', name);
    assert.deepEqual(reached(), ['POST  hello'], name);
  }
  for (const body of ['hello', new Blob(['hello']), new TextEncoder().encode('hello'), new URLSearchParams('hello')]) {
    const { world, latchkey, reached } = await refusedOnce();
    assert.equal(await outcome(world.time.until(latchkey.fetch(URL_OF, { method: 'POST', body }))), '200');
    assert.equal(new Set(reached()).size, 1);
    assert.equal(reached().length, 2);
  }
});

test('no token follows a redirect, not even to another path of the origin', async () => {
  const came: string[] = [];
  const server = createServer((request, response) => {
    came.push(`${request.url} ${request.headers.authorization?.slice(0, 11)}`);
    response.writeHead(request.url === '/elsewhere' ? 200 : 307, { Location: '/elsewhere' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  try {
    const world = new World();
    const { latchkey } = await world.loggedIn({ apis: [api], fetch: (url, init) => (url.startsWith(api) ? fetch(url, init) : world.fetch(url, init)) });
    for (const init of [{}, { redirect: 'follow' }, { redirect: 'manual' }] as const) {
      const response = await latchkey.fetch(`${api}/a`, init);
      assert.equal(response.status, 307);
      assert.equal(response.headers.get('Location'), '/elsewhere');
    }
    assert.equal((await latchkey.fetch(new Request(`${api}/a`))).status, 307);
    await assert.rejects(latchkey.fetch(`${api}/a`, { redirect: 'error' }), TypeError);
    assert.deepEqual(new Set(came), new Set(['/v1/a Bearer lka_']));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('an abort is an AbortError where signals have no reason, as in React Native', async () => {
  const world = new World();
  const Native = globalThis.AbortController;
  const bridged = (url: string, init: RequestInit = {}): Promise<Response> => {
    const native = new Native();
    if (init.signal?.aborted) native.abort();
    init.signal?.addEventListener('abort', () => native.abort());
    return world.fetch(url, { ...init, signal: native.signal });
  };
  globalThis.AbortController = Polyfill as unknown as typeof AbortController;
  try {
    const { latchkey } = await world.loggedIn({ fetch: bridged });
    const signal = (): AbortSignal => {
      const stop = new Polyfill();
      stop.abort();
      return stop.signal as unknown as AbortSignal;
    };
    const calls = [
      latchkey.refresh({ signal: signal() }), latchkey.sessions({ signal: signal() }), latchkey.logout({ signal: signal() }),
      latchkey.login({ username: 'demo', password: 'x' }, { signal: signal() }), latchkey.sessions({ signal: signal(), timeout: 1_000 }),
      latchkey.fetch('/me', { signal: signal() }), latchkey.fetch('/me', { signal: signal(), timeout: 1_000 }),
    ];
    assert.deepEqual(await world.time.until(Promise.all(calls.map(outcome))), calls.map(() => 'AbortError'));
    const stop = new Polyfill();
    world.fault('/refresh', 'hang');
    const during = outcome(latchkey.refresh({ signal: stop.signal as unknown as AbortSignal }));
    await world.time.quiet();
    stop.abort();
    assert.equal(await during, 'AbortError');
  } finally {
    globalThis.AbortController = Native;
  }
});

/** A page: what a tab hears with. */
function asPage(work: () => Promise<void>): Promise<void> {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const globals = {
    document,
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window),
    dispatchEvent: window.dispatchEvent.bind(window),
  };
  Object.assign(globalThis, globals);
  return work().finally(() => {
    for (const name of Object.keys(globals)) delete (globalThis as Record<string, unknown>)[name];
  });
}
const event = (name: string, more: object = {}): Event => Object.assign(new Event(name), more);

test('an idle tab hears of a log-out by the storage event, and when it comes back to the screen', async () => {
  await asPage(async () => {
    for (const news of ['storage', 'clear', 'pageshow', 'visibilitychange'] as const) {
      const world = new World();
      const values = new Map<string, string>();
      const store = {
        getItem: (key: string) => values.get(key) ?? null,
        setItem: (key: string, value: string) => void values.set(key, value),
        removeItem: (key: string) => void values.delete(key),
      };
      const a = await world.loggedIn({ storage: webStorage(store) });
      const b = world.client({ storage: webStorage(store) });
      await b.latchkey.session();
      await world.time.until(a.latchkey.logout());
      await world.time.quiet();
      assert.deepEqual(b.loggedOut, [], 'without an event it can’t know');
      for (const other of [{ key: 'other', storageArea: store }, { key: 'latchkey', storageArea: {} }]) dispatchEvent(event('storage', other));
      await world.time.quiet();
      assert.deepEqual(b.loggedOut, [], 'another key, another storage');
      if (news === 'storage') dispatchEvent(event('storage', { key: 'latchkey', storageArea: store }));
      else if (news === 'clear') dispatchEvent(event('storage', { key: null, storageArea: store }));
      else if (news === 'pageshow') dispatchEvent(event('pageshow'));
      else document.dispatchEvent(event('visibilitychange'));
      await world.time.quiet();
      assert.deepEqual(b.loggedOut, ['elsewhere'], news);
      assert.equal(b.latchkey.current, null);
    }
  });
});

test('with a storage that has no events, tabs hear of each other by a channel', async () => {
  await asPage(async () => {
    const world = new World();
    const storage: Storage = { ...memoryStorage(), oneContext: false };
    const a = await world.loggedIn({ storage });
    const b = world.client({ storage });
    let stopWatching = (): void => {};
    const heard = new Promise<SessionEvent>((resolve) => {
      stopWatching = b.latchkey.subscribe((news) => news.type === 'out' && resolve(news));
    });
    await b.latchkey.session();
    await world.time.until(a.latchkey.logout());
    assert.deepEqual(await heard, { type: 'out', session: null });
    assert.deepEqual(b.loggedOut, ['elsewhere']);
    for (const stop of [a.stop, b.stop, stopWatching]) stop();
  });
});

test('subscribe tells of a login, a refresh and a log-out; current is what was told last', async () => {
  const world = new World();
  const { latchkey, storage } = world.client();
  const events: SessionEvent[] = [];
  const stop = latchkey.subscribe((news) => events.push(news));
  assert.equal(latchkey.current, undefined);
  await world.time.quiet();
  assert.deepEqual(events.splice(0), [{ type: 'out', session: null }]);
  assert.equal(latchkey.current, null);
  const session = await world.time.until(latchkey.login({ username: 'demo', password: 'correct-horse-battery-staple' }));
  await world.time.quiet();
  assert.deepEqual(events.splice(0), [{ type: 'in', session }]);
  const before = latchkey.current;
  await world.time.until(latchkey.fetch('/me'));
  assert.equal(latchkey.current, before, 'the same object until something changes');
  await world.time.until(latchkey.refresh());
  assert.deepEqual(events.splice(0).map(({ type }) => type), ['refreshed']);
  assert.notEqual(latchkey.current, before);

  const other = world.client({ storage });
  assert.equal(other.latchkey.current, undefined);
  const first: string[] = [];
  other.latchkey.subscribe(({ type }) => first.push(type));
  await world.time.quiet();
  assert.deepEqual(first, ['in'], 'what is stored comes first');

  await world.time.until(latchkey.logout());
  await world.time.quiet();
  assert.deepEqual(events.splice(0), [{ type: 'out', session: null }]);
  stop();
  await world.time.until(latchkey.login({ username: 'demo', password: 'correct-horse-battery-staple' }));
  await world.time.quiet();
  assert.deepEqual(events, []);
});

test('useSession renders what is so', async () => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  const world = new World();
  const { latchkey } = world.client();
  const View = (): string => {
    const session = useSession(latchkey);
    return session === undefined ? 'unknown' : (session?.userId ?? 'logged out');
  };
  let view!: ReturnType<typeof create>;
  act(() => void (view = create(createElement(View))));
  assert.equal(view.toJSON(), 'unknown');
  await act(() => world.time.quiet());
  assert.equal(view.toJSON(), 'logged out');
  await act(() => world.time.until(latchkey.login({ username: 'demo', password: 'correct-horse-battery-staple' })).then(() => {}));
  assert.equal(view.toJSON(), (await latchkey.session())!.userId);
  await act(() => world.time.until(latchkey.logout()));
  assert.equal(view.toJSON(), 'logged out');
  act(() => view.unmount());
});

test('an answer of a portal is handed on, whatever asks', async () => {
  const world = new World();
  const { latchkey } = await world.loggedIn();
  world.fault('/orders', page(302, { Location: 'http://portal.test/' }));
  assert.equal(await outcome(world.time.until(latchkey.fetch(new URL(URL_OF)))), '302');
});
