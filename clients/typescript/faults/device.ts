// A device: tabs that share a storage, a clock that may be wrong, and an eye on what must never happen.
import { Latchkey, LocalLocks, type LogOutReason, type Locks, type Storage, type Timing } from '../src/index.js';
import { sleep } from './chance.js';

export interface Counts {
  /** Somebody was told "logged out" while the login was alive. */
  falseLogOuts: number;
  /** A pair was used before it was stored. */
  usedBeforeStored: number;
  /** A refresh token went out with a second Idempotency-Key. */
  secondKeys: number;
  /** The stored generation went down. */
  wentBack: number;
  /** A refresh token went out when a newer one was stored already. */
  oldTokensSent: number;
  /** Most refreshes under way at once, of the tabs of a device. */
  refreshesAtOnce: number;
  /** Most refreshes under way at once, of one tab. */
  refreshesAtOnceOfATab: number;
  /** Errors that show a token. */
  leaks: number;
  refreshes: number;
  crashes: number;
  clockChanges: number;
}

export const counts = (): Counts => ({
  falseLogOuts: 0, usedBeforeStored: 0, secondKeys: 0, wentBack: 0, oldTokensSent: 0, refreshesAtOnce: 0, refreshesAtOnceOfATab: 0,
  leaks: 0, refreshes: 0, crashes: 0, clockChanges: 0,
});

const NO_LOCKS: Locks = { request: (_name, _options, work) => work() };

export interface Tab {
  latchkey: Latchkey;
  /** Stops it as a crash does: nothing of it reaches storage or network any more. */
  kill: () => void;
  loggedOut: LogOutReason[];
}

export class Device {
  readonly counts = counts();
  readonly tabs: Tab[] = [];
  /** Milliseconds that the device's clock is wrong by. */
  wrong = 0;
  readonly #values = new Map<string, string>();
  readonly #locks: Locks;
  readonly #stored = new Set<string>();
  readonly #keys = new Map<string, string>();
  #underWay = 0;

  constructor(
    readonly name: string,
    private readonly url: string,
    private readonly random: () => number,
    readonly hasLocks: boolean,
    private readonly replayWindow: number,
  ) {
    this.#locks = hasLocks ? new LocalLocks() : NO_LOCKS;
  }

  open(): Tab {
    const life = { alive: true, underWay: 0, dead: new AbortController() };
    const loggedOut: LogOutReason[] = [];
    const timing: Timing = {
      now: () => Date.now() + this.wrong,
      elapsed: () => performance.now(),
      random: this.random,
      sleep: (milliseconds, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve(false);
          const timer = setTimeout(() => resolve(true), milliseconds);
          signal?.addEventListener('abort', () => (clearTimeout(timer), resolve(false)));
        }),
    };
    const latchkey = new Latchkey({
      baseUrl: this.url,
      storage: this.#storage(life),
      locks: this.#locks,
      timing,
      attemptTimeout: 5_000,
      patience: 15_000,
      replayWindow: this.replayWindow,
      fetch: (url, init) => this.#fetch(life, url, init ?? {}),
    });
    latchkey.onLoggedOut((reason) => life.alive && loggedOut.push(reason));
    const kill = (): void => {
      life.alive = false;
      life.dead.abort();
    };
    const tab = { latchkey, kill, loggedOut };
    this.tabs.push(tab);
    return tab;
  }

  #storage(life: { alive: boolean }): Storage {
    const step = async (): Promise<void> => {
      if (this.random() < 0.5) await sleep(this.random() * 3);
      if (!life.alive) throw new Error('the tab is gone');
    };
    return {
      get: async (key) => (await step(), this.#values.get(key) ?? null),
      delete: async (key) => (await step(), void this.#values.delete(key)),
      set: async (key, value) => {
        await step();
        const before = this.#session();
        this.#values.set(key, value);
        const after = this.#session();
        if (before && after && after.login_id === before.login_id && after.generation < before.generation) this.counts.wentBack += 1;
        if (after) this.#stored.add(after.access_token).add(after.refresh_token);
      },
    };
  }

  #session(): Record<'login_id' | 'access_token' | 'refresh_token', string> & { generation: number } | null {
    const text = this.#values.get('latchkey');
    return text ? JSON.parse(text) : null;
  }

  /** The generation of the stored session. */
  get generation(): number {
    return this.#session()?.generation ?? -1;
  }

  async #fetch(life: { alive: boolean; underWay: number; dead: AbortController }, url: string, init: RequestInit): Promise<Response> {
    const token = new Headers(init.headers).get('Authorization')?.slice('Bearer '.length);
    const key = new Headers(init.headers).get('Idempotency-Key');
    if (token && !this.#stored.has(token)) this.counts.usedBeforeStored += 1;
    const refreshing = url.endsWith('/refresh');
    if (refreshing && token && key) {
      this.counts.refreshes += 1;
      if ((this.#keys.get(token) ?? key) !== key) this.counts.secondKeys += 1;
      this.#keys.set(token, key);
      if (this.#session()?.refresh_token !== token) this.counts.oldTokensSent += 1;
      this.counts.refreshesAtOnce = Math.max(this.counts.refreshesAtOnce, (this.#underWay += 1));
      this.counts.refreshesAtOnceOfATab = Math.max(this.counts.refreshesAtOnceOfATab, (life.underWay += 1));
    }
    try {
      if (!life.alive) throw new Error('the tab is gone');
      return await fetch(url, { ...init, signal: AbortSignal.any([life.dead.signal, ...(init.signal ? [init.signal] : [])]) });
    } finally {
      if (refreshing) {
        this.#underWay -= 1;
        life.underWay -= 1;
      }
    }
  }
}
