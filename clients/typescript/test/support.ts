// A service in memory, a clock that jumps, and a client between them.
import { Latchkey, memoryStorage, type LogOutReason, type Options, type Storage, type Timing } from '../src/index.js';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}
export interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}
export interface Seen {
  method: string;
  path: string;
  token: string | null;
  key: string | null;
  proof?: string | null;
  deviceId?: string | null;
  status: number;
}
interface Service {
  seen: Seen[];
  sendsDate: boolean;
  handle(request: Asked): Answer;
  count(path: string, method?: string): number;
  endAll(): void;
  readonly generation: number;
}

// Shared with the conformance script, which is plain JavaScript.
const service = (await import(new URL('../../../conformance/service.js', import.meta.url).href)) as {
  Service: new (options: object) => Service;
  problem: (code: string, headers?: Record<string, string>) => Answer;
};
export const { problem } = service;

/** The refusal of an access token, as the authorizer words it. */
export const REFUSAL: Answer = problem('invalid_token', { 'WWW-Authenticate': 'Bearer error="invalid_token"' });

export const page = (status: number, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'Content-Type': 'text/html', ...headers },
  body: '<html>Welcome to our free Wi-Fi</html>',
});

// Cryptography is done by other threads: time must not jump over it.
let underway = 0;
const subtle = crypto.subtle as unknown as Record<string, (...input: unknown[]) => Promise<unknown>>;
for (const name of ['digest', 'exportKey', 'generateKey', 'sign']) {
  const work = subtle[name]!.bind(crypto.subtle);
  subtle[name] = (...input) => timeless(work(...input));
}

/** Work that takes none of the test's time, however long it takes. */
export function timeless<T>(work: Promise<T>): Promise<T> {
  underway += 1;
  return work.finally(() => (underway -= 1));
}

/** A clock that jumps to the next sleeper when nothing else is to be done. */
export class Time implements Timing {
  clock = Date.parse('2026-11-24T12:00:00Z');
  readonly slept: number[] = [];
  #sleepers: { until: number; wake: () => void }[] = [];

  /** Milliseconds that the device's clock is wrong by. */
  wrong = 0;

  now = (): number => this.clock + this.wrong;
  elapsed = (): number => this.clock;
  random = (): number => 0.5;
  sleep = (milliseconds: number, signal?: AbortSignal): Promise<boolean> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve(false);
      if (!signal) this.slept.push(milliseconds);
      const sleeper = { until: this.clock + milliseconds, wake: () => resolve(true) };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve(false);
      });
    });

  /** Lets everything that can happen now happen. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < 4; turns += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (underway > 0) turns = -1;
    }
  }

  async pass(milliseconds: number): Promise<void> {
    const until = this.clock + milliseconds;
    await this.quiet();
    for (;;) {
      const next = this.#sleepers.filter((sleeper) => sleeper.until <= until).sort((a, b) => a.until - b.until)[0];
      if (!next) break;
      this.clock = Math.max(this.clock, next.until);
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      next.wake();
      await this.quiet();
    }
    this.clock = until;
  }

  /** Passes time until the promise is settled; ten minutes at most. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const end = (): void => void (settled = true);
    promise.then(end, end);
    const most = this.clock + 600_000;
    await this.quiet();
    while (!settled && this.clock < most) await this.pass(50);
    if (!settled) throw new Error('not settled after ten minutes of the test’s time');
    return promise;
  }
}

type Fault = Answer | 'pass' | 'drop' | 'lost' | 'hang' | ((answer: () => Answer) => Answer | Promise<Answer>);

/** What stands between the clients and the service. */
export class World {
  readonly time = new Time();
  readonly service: Service;
  /** What the server's clock is ahead of the device's. */
  ahead = 0;
  /** Faults for the next requests to a path, one each. */
  readonly faults = new Map<string, Fault[]>();
  /** What stays so, after those. */
  outage: ((asked: Asked) => Fault | null) | null = null;
  readonly sent: Asked[] = [];
  readonly urls: string[] = [];
  readonly inits: RequestInit[] = [];
  busy = 0;
  busiest = 0;

  constructor(options: object = {}) {
    this.service = new service.Service({ now: () => this.time.clock + this.ahead, ...options });
  }

  fault(path: string, ...faults: Fault[]): void {
    this.faults.set(path, [...(this.faults.get(path) ?? []), ...faults]);
  }

  fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    this.urls.push(url);
    this.inits.push(init);
    const headers = Object.fromEntries(new Headers(init.headers as HeadersInit));
    const path = url.replace(/^https?:\/\/[^/]+/, '');
    const asked = { method: init.method ?? 'GET', path, headers, body: '' };
    if (init.body) asked.body = await new Response(init.body).text();
    this.sent.push(asked);
    const refreshing = path === '/refresh';
    if (refreshing) this.busiest = Math.max(this.busiest, (this.busy += 1));
    try {
      // A turn of its own, or no two would ever be under way at once.
      await new Promise((resolve) => setImmediate(resolve));
      init.signal?.throwIfAborted();
      const fault = this.faults.get(path)?.shift() ?? this.outage?.(asked) ?? null;
      const answer = (): Answer => this.service.handle(asked);
      if (fault === 'drop') throw new TypeError(`fetch failed: ${headers['authorization']}`);
      if (fault === 'lost') throw (answer(), new TypeError(`fetch failed: ${headers['authorization']}`));
      if (fault === 'hang') {
        return await new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
      }
      const given = fault === null || fault === 'pass' ? answer() : typeof fault === 'function' ? await fault(answer) : fault;
      return new Response(given.status === 204 || given.body === '' ? null : given.body, given);
    } finally {
      if (refreshing) this.busy -= 1;
    }
  };

  client(options: Partial<Options> = {}): Client {
    const storage = options.storage ?? memoryStorage();
    const latchkey = new Latchkey({
      baseUrl: 'https://api.test',
      storage,
      fetch: this.fetch,
      timing: this.time,
      ...options,
    });
    const loggedOut: LogOutReason[] = [];
    const stop = latchkey.onLoggedOut((reason) => loggedOut.push(reason));
    return { latchkey, storage, loggedOut, stop };
  }

  async loggedIn(options: Partial<Options> = {}): Promise<Client> {
    const client = this.client(options);
    await this.time.until(client.latchkey.login({ username: 'demo', password: 'correct-horse-battery-staple' }));
    return client;
  }

  /** What the service was asked at /refresh. */
  get refreshes(): Seen[] {
    return this.service.seen.filter((seen) => seen.path === '/refresh');
  }
}

export interface Client {
  latchkey: Latchkey;
  storage: Storage;
  loggedOut: LogOutReason[];
  /** Stops listening. */
  stop: () => void;
}

/** The outcome of a call in a word. */
export async function outcome(call: Promise<Response | unknown>): Promise<string> {
  try {
    const answer = await call;
    return answer instanceof Response ? String(answer.status) : 'ok';
  } catch (error) {
    return (error as Error).name;
  }
}
