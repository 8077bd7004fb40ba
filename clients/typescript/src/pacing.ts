// When a refresh that didn't work out is tried again. Pure.
import type { Later } from './errors.js';

export interface Failure extends Later {
  /** 1 for the first attempt of an outage. */
  readonly attempt: number;
  /** Milliseconds that the attempt took. */
  readonly took: number;
  /** Milliseconds since the first attempt of the outage. */
  readonly since: number;
}

/** The longest pause, unless the service asks for a longer one. */
export const LONGEST_PAUSE = 60_000;
/** The longest pause where no answer came: the device is offline, so the pause spares the service nothing. */
const LONGEST_OFFLINE = 15_000;

/**
 * Milliseconds before the next attempt.
 *
 * - No answer, or a stranger's: a quarter of a second, doubling to 4 s. A lost answer is the usual reason, and its pair is waiting.
 * - 429 or 5xx: the service is in trouble, and every client is waiting for it. The second attempt
 *   begins 3 to 4.5 s after the first, the others 8.6 to 9.6 s after the one before. So three begin in the first 20 s of an outage,
 *   however fast it answers, and a client that waits comes within 10 s of the recovery.
 * - Once the outage is older than the replay window, haste no longer helps even where the service recovers lost answers inside
 *   the window only: full jitter, up to the outage's age, at most a minute.
 */
export function pauseAfter(failure: Failure, replayWindow: number, random: number): number {
  return Math.round(Math.max(ownPause(failure, replayWindow, random), (failure.retryAfter ?? 0) * 1000));
}

function ownPause({ reason, status, attempt, took, since }: Failure, replayWindow: number, random: number): number {
  // Only the storage is asked, where the pair of another tab may be at any moment.
  if (reason === 'superseded') return backoff(attempt, random, 1_000);
  if (reason === 'storage') return backoff(attempt, random);
  if (since > replayWindow) {
    const most = Math.min(since, reason === 'answer' ? LONGEST_PAUSE : LONGEST_OFFLINE);
    return 1_000 + random * (most - 1_000);
  }
  // Any other answer is a portal's or a proxy's.
  if (reason !== 'answer' || (status !== 429 && (status ?? 0) < 500)) return backoff(attempt, random);
  const apart = attempt === 1 ? 3_000 + 1_500 * random : 8_600 + 1_000 * random;
  return Math.max(apart - took, backoff(1, random));
}

/** Milliseconds before the attempt after `failures` failures: doubling up to `most`, each anywhere in its upper half. */
export function backoff(failures: number, random: number, most = 4_000): number {
  const full = Math.min(most, 250 * 2 ** (failures - 1));
  return Math.round(full * (0.5 + random / 2));
}
