// The stored session. Every change reads, compares and writes under a lock, so that an older pair never replaces a newer one.
import { StorageFailed } from './errors.js';
import { locked, type Locks } from './locks.js';
import { decode, isNewer, type Session } from './session.js';
import type { Storage } from './storage.js';
import { tell } from './tabs.js';
import type { Timing } from './timing.js';

// A change takes milliseconds; who holds the lock for longer is asleep.
const LOCK_PATIENCE = 2_000;

export interface VaultParts {
  readonly storage: Storage;
  readonly key: string;
  readonly locks: Locks;
  readonly timing: Timing;
  /** Told when the stored session is found gone though nothing here took it away. */
  readonly gone: () => void;
  /** Told of what is stored now, when that is something else than was seen before. */
  readonly changed: (now: Session | null, before: Session | null | undefined) => void;
}

export class Vault {
  /** The newest session that was seen stored, by this instance; undefined until it has looked. */
  #seen: Session | null | undefined;

  readonly #parts: VaultParts;

  constructor(parts: VaultParts) {
    this.#parts = parts;
  }

  /** The stored session. Asked anew for each call: another tab may have refreshed, logged out, or in as somebody else. */
  async read(): Promise<Session | null> {
    const stored = await this.#get();
    if (!stored) {
      if (this.#seen) this.#parts.gone();
      this.#see(null);
      return null;
    }
    if (this.#seen && isNewer(this.#seen, stored)) {
      // The store went back: written over by a tab without a lock, or restored. Going back to an old token would end the
      // login, so the newer one is put back.
      return (await this.keep(this.#seen)) ?? this.read();
    }
    this.#see(stored);
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
        this.#see(stored);
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
    return locked(this.#parts.locks, `${this.#parts.key} store`, LOCK_PATIENCE, this.#parts.timing, work);
  }

  async #get(): Promise<Session | null> {
    const text = await this.#try(() => this.#parts.storage.get(this.#parts.key), "can't be read");
    if (text === null || text === undefined) return null;
    const session = decode(text);
    if (!session) throw new StorageFailed(`what is stored under "${this.#parts.key}" is no session of this client: call forget(), and log in`);
    return session;
  }

  async #set(session: Session): Promise<void> {
    await this.#try(() => this.#parts.storage.set(this.#parts.key, JSON.stringify(session)), "can't be written");
    this.#see(session);
    tell(this.#parts.storage, this.#parts.key);
  }

  async #delete(): Promise<void> {
    await this.#try(() => this.#parts.storage.delete(this.#parts.key), "can't be written");
    this.#see(null);
    tell(this.#parts.storage, this.#parts.key);
  }

  #see(session: Session | null): void {
    const before = this.#seen;
    this.#seen = session;
    if (before === undefined || before?.access_token !== session?.access_token) this.#parts.changed(session, before);
  }

  async #try<T>(work: () => Promise<T>, what: string): Promise<T> {
    try {
      return await work();
    } catch {
      throw new StorageFailed(`the storage ${what}`);
    }
  }
}
