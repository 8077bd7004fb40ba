// The stored session. Every change reads, compares and writes under a lock, so that an older pair never replaces a newer one.
import { StorageFailed } from './errors.js';
import { locked, type Locks } from './locks.js';
import { decode, isNewer, type Session } from './session.js';
import type { Storage } from './storage.js';
import type { Timing } from './timing.js';

// A change takes milliseconds; who holds the lock for longer is asleep.
const LOCK_PATIENCE = 2_000;

export class Vault {
  /** The newest session that was seen stored, by this instance. */
  #seen: Session | null = null;

  constructor(
    private readonly storage: Storage,
    private readonly key: string,
    private readonly locks: Locks,
    private readonly timing: Timing,
    /** Told when the stored session is found gone though nobody here took it away. */
    private readonly gone: () => void,
  ) {}

  /** The stored session. Asked anew for each call: another tab may have refreshed, logged out, or in as somebody else. */
  async read(): Promise<Session | null> {
    const stored = await this.#get();
    if (!stored) {
      if (this.#seen) {
        this.#seen = null;
        this.gone();
      }
      return null;
    }
    if (this.#seen && isNewer(this.#seen, stored)) {
      // The store went back: written over by a tab without a lock, or restored. Going back to an old token would end the
      // login, so the newer one is put back.
      return (await this.keep(this.#seen)) ?? this.read();
    }
    this.#seen = stored;
    return stored;
  }

  /** Stores the session of a new login, over whatever is there. */
  async begin(session: Session): Promise<void> {
    await this.#locked(() => this.#set(session));
  }

  /**
   * Stores `next` if it is newer than what is stored of the same login. Gives what is stored then; null where that login is no
   * longer stored: somebody logged out, or in as somebody else, and `next` is dropped.
   */
  async keep(next: Session): Promise<Session | null> {
    return this.#locked(async () => {
      const stored = await this.#get();
      if (stored?.login_id !== next.login_id) return null;
      if (!isNewer(next, stored)) {
        this.#seen = stored;
        return stored;
      }
      await this.#set(next);
      return next;
    });
  }

  /** Forgets the session if its refresh token is still this one. Gives whether it was. */
  async forget(refreshToken: string): Promise<boolean> {
    return this.#locked(async () => {
      if ((await this.#get())?.refresh_token !== refreshToken) return false;
      await this.#delete();
      return true;
    });
  }

  /** Forgets whatever is stored, be it readable or not. */
  async clear(): Promise<void> {
    await this.#locked(() => this.#delete());
  }

  #locked<T>(work: () => Promise<T>): Promise<T> {
    return locked(this.locks, `${this.key} store`, LOCK_PATIENCE, this.timing, work);
  }

  async #get(): Promise<Session | null> {
    const text = await this.#try(() => this.storage.get(this.key), "can't be read");
    if (text === null || text === undefined) return null;
    const session = decode(text);
    if (!session) throw new StorageFailed(`what is stored under "${this.key}" is no session of this client: call forget(), and log in`);
    return session;
  }

  async #set(session: Session): Promise<void> {
    await this.#try(() => this.storage.set(this.key, JSON.stringify(session)), "can't be written");
    this.#seen = session;
  }

  async #delete(): Promise<void> {
    await this.#try(() => this.storage.delete(this.key), "can't be written");
    this.#seen = null;
  }

  async #try<T>(work: () => Promise<T>, what: string): Promise<T> {
    try {
      return await work();
    } catch {
      throw new StorageFailed(`the storage ${what}`);
    }
  }
}
