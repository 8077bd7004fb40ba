// One refresh at a time, however many calls wait for it.
import { judgeRefresh, type Answer } from './answer.js';
import { LoggedOut, StorageFailed, Unavailable, type Later } from './errors.js';
import { keyFor } from './keys.js';
import type { Lock } from './locks.js';
import type { LogOutReason } from './options.js';
import type { Requests } from './requests.js';
import { on, reasonOf } from './signals.js';
import { clockOffset, isNewer, type Pair, type Session } from './session.js';
import { LONGEST_PAUSE, pauseAfter } from './pacing.js';
import type { Timing } from './timing.js';
import type { Vault } from './vault.js';

/** How long a call waits: up to `deadline` by `Timing.elapsed`, and where `early` is set only for the first attempt. */
export interface Patience {
  readonly deadline: number;
  readonly signal?: AbortSignal | null | undefined;
  readonly early?: boolean;
}

/** A session, or null where there is none any more, or why it isn't known yet. */
type Outcome = Session | null | Later;
const isLater = (outcome: Pair | null | Later): outcome is Later => outcome !== null && 'reason' in outcome;

interface Waiter extends Patience {
  readonly giveUp: (later: Later) => void;
}

export interface RefreshingParts {
  readonly vault: Vault;
  readonly send: Requests;
  readonly lock: Lock;
  /** The service's replay window, milliseconds. */
  readonly replayWindow: number;
  readonly timing: Timing;
  /** Told when the stored login is over. */
  readonly over: (reason: LogOutReason) => void;
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
      const session = await this.#join(from, patience);
      if (!session) throw new LoggedOut();
      if (isLater(session)) throw new Unavailable(session);
      // A loop that was under way when this call joined may have been after an older session.
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
        return resolve(this.#told(rest.later));
      }
      const over = new AbortController();
      const done = (): void => {
        this.#waiters.delete(waiter);
        stop();
        over.abort();
      };
      const giveUp = (later: Later): void => (done(), resolve(this.#told(later)));
      const waiter: Waiter = { ...patience, giveUp };
      this.#waiters.add(waiter);
      const stop = on(signal, 'abort', () => (done(), reject(reasonOf(signal!))));
      void timing.sleep(deadline - timing.elapsed(), over.signal).then((slept) => {
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
      if (failures > 1 && this.#waiters.size === 0 && timing.elapsed() >= goOnUntil) return this.#rest!.later;
      const begun = timing.elapsed();
      const later = await this.#attempt(from, failures > 1);
      if (!isLater(later)) {
        this.#rest = this.#outage = null;
        return later;
      }
      const until = timing.elapsed() + this.#pause(later, begun);
      this.#rest = { later, until };
      for (const waiter of [...this.#waiters]) {
        if (waiter.early || until > waiter.deadline) waiter.giveUp(later);
      }
      if (this.#waiters.size === 0 && until >= goOnUntil) return later;
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
    return this.#parts.lock(async () => {
      try {
        return await this.#exchange(from);
      } catch (error) {
        if (error instanceof Unavailable) return error;
        // The app is told at once, unless a refresh may have been made already: then it has to be seen through.
        if (error instanceof StorageFailed && (again || this.#unsaved)) return { reason: 'storage' };
        throw error;
      }
    });
  }

  async #exchange(from: Session): Promise<Outcome> {
    const { vault, send, timing, over, replayWindow } = this.#parts;
    // Read right before it is sent: a token that was read earlier may be an old one by now, and an old one looks stolen.
    const stored = await vault.read();
    if (!stored) return null;
    if (isNewer(stored, from) || stored.login_id !== from.login_id) return stored;

    if (this.#unsaved?.presented === stored.refresh_token) return this.#keep(this.#unsaved.session);
    if (this.#held?.token === stored.refresh_token && timing.elapsed() < this.#held.until) {
      return { reason: 'superseded', status: 409 };
    }

    const answer = await send({
      kind: 'refresh',
      attempt: (this.#outage?.attempts ?? 0) + 1,
      token: stored.refresh_token,
      dpop_jkt: stored.dpop_jkt,
      headers: { 'Idempotency-Key': stored.idempotency_key },
    });
    const verdict = judgeRefresh(answer, stored.login_id, timing.now());
    if (!verdict) {
      if (await vault.forget(stored.refresh_token)) {
        over(answer.over ?? 'ended');
        return null;
      }
      // The verdict was on a token that is no longer the stored one: it says nothing of that.
      return vault.read();
    }
    if (isLater(verdict)) {
      // Another process has used the newer pair, or is about to store it. Sent again after the window of that first use, the
      // old token would end the login. So it is held for a window; by then the newer pair is stored, or the service decides.
      if (verdict.reason === 'superseded') {
        this.#held = { token: stored.refresh_token, until: timing.elapsed() + replayWindow };
      }
      return verdict;
    }
    const next = await sessionOf(verdict, stored, stored.key_secret, timing.now(), answer);
    this.#unsaved = { session: next, presented: stored.refresh_token };
    return this.#keep(next);
  }

  /** Stores first; only what is stored is used. */
  async #keep(next: Session): Promise<Outcome> {
    const kept = await this.#parts.vault.keep(next);
    this.#unsaved = null;
    return kept ?? this.#parts.vault.read();
  }
}

/** What is stored of a pair that came in `answer` at `now`: of the first one of a login, or of the one after `before`. */
export async function sessionOf(pair: Pair, before: Session | null, secret: string, now: number, { headers }: Answer): Promise<Session> {
  const clock_offset = clockOffset(now, headers.get('Date'), pair, before);
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
