// The stored session. Every change reads, compares and writes under a lock, so that an older pair never replaces a newer one.
import { StorageFailed } from './errors.js';
import type { Lock } from './locks.js';
import { decode, isNewer, type Session } from './session.js';
import type { Storage } from './storage.js';
import { tell } from './tabs.js';

export interface VaultParts {
  readonly storage: Storage;
  readonly key: string;
  readonly lock: Lock;
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
    await this.#parts.lock(() => this.#set(session));
  }

  /**
   * Stores `next` if it is newer than what is stored of the same login. Gives what is stored then; null where that login is no
   * longer stored: somebody logged out, or in as somebody else, and `next` is dropped.
   */
  async keep(next: Session): Promise<Session | null> {
    return this.#parts.lock(async () => {
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
    return this.#parts.lock(async () => {
      if ((await this.#get())?.refresh_token !== refreshToken) return false;
      await this.#set(null);
      return true;
    });
  }

  /** Forgets whatever is stored, be it readable or not. */
  async clear(): Promise<void> {
    await this.#parts.lock(() => this.#set(null));
  }

  async #get(): Promise<Session | null> {
    const { storage, key } = this.#parts;
    const text = await this.#try(() => storage.get(key), "can't be read");
    if (text === null || text === undefined) return null;
    const session = decode(text);
    if (!session) throw new StorageFailed(`"${key}" holds no session: call forget()`);
    return session;
  }

  async #set(session: Session | null): Promise<void> {
    const { storage, key } = this.#parts;
    await this.#try(() => (session ? storage.set(key, JSON.stringify(session)) : storage.delete(key)), "can't be written");
    this.#see(session);
    tell(storage, key);
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
