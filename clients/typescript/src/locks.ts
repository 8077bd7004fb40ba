import type { Storage } from './storage.js';
import type { Timing } from './timing.js';

/** The part of the Web Locks API that is used; `navigator.locks` is one. */
export interface Locks {
  request<T>(name: string, options: { signal: AbortSignal }, work: () => Promise<T>): Promise<T>;
}

/** Locks of one JavaScript context: enough for React Native and for one process. */
export class LocalLocks implements Locks {
  readonly #last = new Map<string, Promise<void>>();

  async request<T>(name: string, { signal }: { signal: AbortSignal }, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    let release = (): void => {};
    const mine = new Promise<void>((resolve) => (release = resolve));
    const last = before.then(() => mine);
    this.#last.set(name, last);
    try {
      await new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('timeout')), { once: true });
        void before.then(resolve);
      });
      return await work();
    } finally {
      release();
      if (this.#last.get(name) === last) this.#last.delete(name);
    }
  }
}

const local = new WeakMap<Storage, LocalLocks>();

/** The locks that reach as far as the storage does: Web Locks between tabs, in a browser. Elsewhere those of one process. */
export function locksFor(storage: Storage): Locks {
  const web = (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks;
  // Node and Deno have `navigator.locks` as well; those too reach no further than the process.
  if (web && !storage.oneContext) return web;
  const locks = local.get(storage) ?? new LocalLocks();
  local.set(storage, locks);
  return locks;
}

/** Does work alone among the tabs, where they have locks. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Does `work` under the lock, or without it when it isn't to be had within `patience` milliseconds: the lock spares
 * requests, and what is sent and stored without it is right as well. So a tab that sleeps on a lock holds up nobody.
 */
export async function locked<T>(locks: Locks, name: string, patience: number, timing: Timing, work: () => Promise<T>): Promise<T> {
  const giveUp = new AbortController();
  const enough = new AbortController();
  void timing.sleep(patience, enough.signal).then((slept) => slept && giveUp.abort());
  let begun = false;
  const once = (): Promise<T> => {
    begun = true;
    enough.abort();
    return work();
  };
  try {
    return await locks.request(name, { signal: giveUp.signal }, once);
  } catch (error) {
    if (begun) throw error;
    return await once();
  } finally {
    enough.abort();
  }
}
