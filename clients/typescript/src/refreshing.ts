// One refresh at a time, however many calls wait for it.
import { judgeRefresh, type RefreshVerdict } from './answer.js';
import { LoggedOut, StorageFailed, Unavailable, type Later } from './errors.js';
import { keyFor } from './keys.js';
import { locked, type Locks } from './locks.js';
import type { Requests } from './requests.js';
import { reasonOf } from './signals.js';
import { clockOffset, isNewer, type Pair, type Session } from './session.js';
import { LONGEST_PAUSE, pauseAfter } from './pacing.js';
import type { Timing } from './timing.js';
import type { Vault } from './vault.js';

/** How long a call waits: up to `deadline` by `Timing.elapsed`, and where `early` is set only for the first attempt. */
export interface Patience {
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  readonly early?: boolean;
}

type Outcome = { kind: 'session'; session: Session } | { kind: 'logged out' } | { kind: 'later'; later: Later };

interface Waiter extends Patience {
  readonly giveUp: (later: Later) => void;
}

export interface RefreshingParts {
  readonly vault: Vault;
  readonly requests: Requests;
  readonly locks: Locks;
  readonly lockName: string;
  /** How long an attempt of another tab may take before this one goes ahead without the lock. */
  readonly lockPatience: number;
  /** The service's replay window, milliseconds. */
  readonly replayWindow: number;
  readonly timing: Timing;
  /** Told when the server has ended the stored login. */
  readonly ended: () => void;
}

export class Refreshing {
  #loop: Promise<Outcome> | null = null;
  readonly #waiters = new Set<Waiter>();
  /** What the last attempt came to, and when the next may be made. */
  #rest: { later: Later; until: number } | null = null;
  /** The outage under way: when its first attempt began, and how many there were. Outlives the calls, or each would begin in haste. */
  #outage: { since: number; attempts: number } | null = null;
  /** A refresh token that was superseded: it isn't sent again before `until`. */
  #held: { token: string; until: number } | null = null;
  /** A pair that came and couldn't be stored. */
  #unsaved: { session: Session; presented: string } | null = null;

  readonly #parts: RefreshingParts;

  constructor(parts: RefreshingParts) {
    this.#parts = parts;
  }

  /** The session after `from`: stored by another tab meanwhile, or refreshed. */
  async after(from: Session, patience: Patience): Promise<Session> {
    for (;;) {
      const outcome = await this.#join(from, patience);
      if (outcome.kind === 'logged out') throw new LoggedOut();
      if (outcome.kind === 'later') throw new Unavailable(outcome.later);
      // A loop that was under way when this call joined may have been after an older session.
      const { session } = outcome;
      if (isNewer(session, from) || session.login_id !== from.login_id) return session;
    }
  }

  #join(from: Session, patience: Patience): Promise<Outcome> {
    const { timing } = this.#parts;
    const { deadline, signal, early } = patience;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(reasonOf(signal));
      const rest = this.#rest;
      if (rest && rest.until > timing.elapsed() && (early || rest.until > deadline)) {
        return resolve({ kind: 'later', later: this.#told(rest.later) });
      }
      const over = new AbortController();
      const done = (): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', aborted);
        over.abort();
      };
      const aborted = (): void => (done(), reject(reasonOf(signal!)));
      const giveUp = (later: Later): void => (done(), resolve({ kind: 'later', later: this.#told(later) }));
      const waiter: Waiter = { ...patience, giveUp };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', aborted);
      void timing.sleep(Math.max(0, deadline - timing.elapsed()), over.signal).then((slept) => {
        if (slept) giveUp(this.#rest?.later ?? { reason: 'timeout' });
      });
      this.#loop ??= this.#run(from).finally(() => (this.#loop = null));
      this.#loop.then(
        (outcome) => (done(), resolve(outcome)),
        (error: unknown) => (done(), reject(error)),
      );
    });
  }

  /** `later` with the seconds that are left of its Retry-After. */
  #told(later: Later): Later {
    if (later.retryAfter === undefined || !this.#rest) return later;
    const left = Math.ceil((this.#rest.until - this.#parts.timing.elapsed()) / 1000);
    return { ...later, retryAfter: Math.max(0, left) };
  }

  /**
   * Attempts until one succeeds. When no call waits any more it goes on for the rest of the replay window: a service with
   * A service that recovers a lost answer inside its replay window only does so no later. Any other does when the next call asks.
   */
  async #run(from: Session): Promise<Outcome> {
    const { timing, replayWindow } = this.#parts;
    const goOnUntil = timing.elapsed() + replayWindow;
    for (let failures = 1; ; failures += 1) {
      const wait = (this.#rest?.until ?? 0) - timing.elapsed();
      if (wait > 0) await timing.sleep(wait);
      if (failures > 1 && this.#waiters.size === 0 && timing.elapsed() >= goOnUntil) return { kind: 'later', later: this.#rest!.later };
      const begun = timing.elapsed();
      const outcome = await this.#attempt(from, failures > 1);
      if (outcome.kind !== 'later') {
        this.#rest = null;
        this.#outage = null;
        return outcome;
      }
      const { later } = outcome;
      const until = timing.elapsed() + this.#pause(later, begun);
      this.#rest = { later, until };
      for (const waiter of [...this.#waiters]) {
        if (waiter.early || until > waiter.deadline) waiter.giveUp(later);
      }
      if (this.#waiters.size === 0 && until >= goOnUntil) return outcome;
    }
  }

  /** The pause after an attempt that began at `begun`. */
  #pause(later: Later, begun: number): number {
    const { timing, replayWindow } = this.#parts;
    // Without an attempt for longer than any pause, the outage that was seen may be over long since.
    if (!this.#outage || (this.#rest && begun - this.#rest.until > LONGEST_PAUSE)) this.#outage = { since: begun, attempts: 0 };
    const attempt = (this.#outage.attempts += 1);
    const now = timing.elapsed();
    return pauseAfter({ ...later, attempt, took: now - begun, since: now - this.#outage.since }, replayWindow, timing.random());
  }

  /** One attempt, alone among the tabs where they have a lock. */
  #attempt(from: Session, again: boolean): Promise<Outcome> {
    const { locks, lockName, lockPatience, timing } = this.#parts;
    return locked(locks, lockName, lockPatience, timing, async () => {
      try {
        return await this.#exchange(from);
      } catch (error) {
        if (error instanceof Unavailable) return { kind: 'later', later: error };
        // The app is told at once, unless a refresh may have been made already: then it has to be seen through.
        if (error instanceof StorageFailed && (again || this.#unsaved)) return { kind: 'later', later: { reason: 'storage' } };
        throw error;
      }
    });
  }

  async #exchange(from: Session): Promise<Outcome> {
    const { vault, requests, timing, ended, replayWindow } = this.#parts;
    // Read right before it is sent: a token that was read earlier may be an old one by now, and an old one looks stolen.
    const stored = await vault.read();
    if (!stored) return { kind: 'logged out' };
    if (isNewer(stored, from) || stored.login_id !== from.login_id) return { kind: 'session', session: stored };

    if (this.#unsaved?.presented === stored.refresh_token) return this.#keep(this.#unsaved.session);
    if (this.#held?.token === stored.refresh_token && timing.elapsed() < this.#held.until) {
      return { kind: 'later', later: { reason: 'superseded', status: 409 } };
    }

    const answer = await requests.send({
      kind: 'refresh',
      attempt: (this.#outage?.attempts ?? 0) + 1,
      method: 'POST',
      path: '/refresh',
      token: stored.refresh_token,
      headers: { 'Idempotency-Key': stored.idempotency_key },
    });
    const verdict: RefreshVerdict = judgeRefresh(answer, stored.login_id, timing.now());
    switch (verdict.kind) {
      case 'pair': {
        const next = await nextSession(stored, verdict.pair, timing.now(), answer.headers.get('Date'));
        this.#unsaved = { session: next, presented: stored.refresh_token };
        return this.#keep(next);
      }
      case 'ended': {
        if (await vault.forget(stored.refresh_token)) {
          ended();
          return { kind: 'logged out' };
        }
        // The verdict was on a token that is no longer the stored one: it says nothing of that.
        const newer = await vault.read();
        return newer ? { kind: 'session', session: newer } : { kind: 'logged out' };
      }
      case 'later':
        // Another process has used the newer pair, or is about to store it. Sent again after the window of that first use, the
        // old token would end the login. So it is held for a window; by then the newer pair is stored, or the service decides.
        if (verdict.reason === 'superseded') {
          this.#held = { token: stored.refresh_token, until: timing.elapsed() + replayWindow };
        }
        return { kind: 'later', later: verdict };
    }
  }

  /** Stores first; only what is stored is used. */
  async #keep(next: Session): Promise<Outcome> {
    const kept = await this.#parts.vault.keep(next);
    this.#unsaved = null;
    if (kept) return { kind: 'session', session: kept };
    const other = await this.#parts.vault.read();
    return other ? { kind: 'session', session: other } : { kind: 'logged out' };
  }
}

/** What is stored of a login's first pair. */
export async function firstSession(pair: Pair, secret: string, now: number, date: string | null): Promise<Session> {
  return session(pair, null, secret, now, date);
}

async function nextSession(presented: Session, pair: Pair, now: number, date: string | null): Promise<Session> {
  return session(pair, presented, presented.key_secret, now, date);
}

async function session(pair: Pair, before: Session | null, secret: string, now: number, date: string | null): Promise<Session> {
  const clock_offset = clockOffset(now, date, pair, before);
  return {
    ...pair,
    version: 1,
    generation: before ? before.generation + 1 : 0,
    idempotency_key: await keyFor(pair.refresh_token, secret),
    key_secret: secret,
    received_at: now + clock_offset,
    clock_offset,
  };
}
