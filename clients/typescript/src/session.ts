// A session as it is stored, and what can be said of it without asking anybody.

/** The members of a pair as `POST /login` and `POST /refresh` give it. */
export interface Pair {
  readonly access_token: string;
  readonly access_token_expires_at: string;
  readonly refresh_token: string;
  readonly refresh_token_expires_at: string;
  readonly user_id: string;
  readonly login_id: string;
  /** The thumbprint of the key that the refresh token is bound to, where it is. */
  readonly dpop_jkt?: string | undefined;
}

/** A pair, and what the client knows about it. Stored as one value, so that no part of it is ever of another pair. */
export interface Session extends Pair {
  readonly version: 1;
  /**
   * Counted by the client: 0 at login, and one more with each refresh. The answer to a refresh token is always its one
   * successor, however often and by whomever it is asked for, so all tabs count alike, and no token is taken apart. Dates
   * wouldn't do: two pairs may share them, and a shorter lifetime makes the newer pair expire first.
   */
  readonly generation: number;
  /** Goes with each refresh of `refresh_token`. */
  readonly idempotency_key: string;
  /** What the next keys are made with; never sent. */
  readonly key_secret: string;
  /** When the answer came, by the server's clock, in milliseconds since 1970. */
  readonly received_at: number;
  /** Milliseconds to add to the device's clock to have the server's, as it was when the answer came. */
  readonly clock_offset: number;
}

// Latchkey's own tokens have 256 characters; those that it takes over from another service 16 or more.
const TOKEN = /^[A-Za-z0-9_-]{16,256}$/;
const isToken = (value: string): boolean => TOKEN.test(value);

/** Each is truthy for what it takes: a date in 1970 at midnight is none that a service gives. */
const MEMBERS: Readonly<Record<Exclude<keyof Pair, 'dpop_jkt'>, (value: string) => unknown>> = {
  access_token: isToken,
  access_token_expires_at: Date.parse,
  refresh_token: isToken,
  refresh_token_expires_at: Date.parse,
  user_id: Boolean,
  login_id: Boolean,
};

/** JSON as an object, or null. Never throws: JSON's errors quote the text. */
export function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

/**
 * The pair of `value` with nothing else: an answer may have members that a later version understands. Null where it isn't one: what
 * comes from a network or a store is anybody's until it has been looked at.
 */
export function pairOf(value: ReturnType<typeof parse>): Pair | null {
  // Left out of the text that is stored where it is undefined.
  const pair: Record<string, unknown> = { dpop_jkt: value?.['dpop_jkt'] };
  for (const [name, is] of Object.entries(MEMBERS)) {
    const member = (pair[name] = value?.[name]);
    if (typeof member !== 'string' || !is(member)) return null;
  }
  return pair as unknown as Pair;
}

/** The session in a stored text, or null if that is none of this version. */
export function decode(text: string): Session | null {
  const session = parse(text) as Session | null;
  const whole =
    session?.version === 1 &&
    pairOf(session as never) &&
    Number.isInteger(session.generation) &&
    [session.idempotency_key, session.key_secret].every((name) => typeof name === 'string' && name) &&
    [session.received_at, session.clock_offset].every(Number.isFinite);
  return whole ? session : null;
}

/** Whether `other` is of the same login as `session` and a later pair of it. */
export function isNewer(other: Session, session: Session): boolean {
  return other.login_id === session.login_id && other.generation > session.generation;
}

/**
 * What to add to the device's clock at `now` to get the server's. `date` is the answer's Date header, which has whole seconds.
 * Without it (a page of another origin sees it only if the server exposes it) the offset of the session `before` still holds.
 *
 * A token that has expired by that offset has two explanations:
 * 1. The answer to this refresh was lost hours ago, and this is the recovered pair. The clock is right; the client refreshes again.
 * 2. The device's clock was set ahead.
 * The first is assumed once. If the pair before had expired on its arrival too, or this is the first pair of a login, the clock is
 * wrong: a new access token lives a minute or more.
 */
export function clockOffset(now: number, date: string | null, pair: Pair, before: Session | null): number {
  const server = Date.parse(date ?? '');
  if (!isNaN(server)) return server - now;
  const offset = before?.clock_offset ?? 0;
  if (before && !expiredOnArrival(before)) return offset;
  return Math.min(offset, Date.parse(pair.access_token_expires_at) - 60_000 - now);
}

const expiredOnArrival = (session: Session): boolean => session.received_at >= Date.parse(session.access_token_expires_at);

/** Milliseconds since the pair came, at `now` by the device's clock. Negative or huge where that clock was set since. */
export function age(session: Session, now: number): number {
  return now + session.clock_offset - session.received_at;
}

export type Freshness = 'fresh' | 'due' | 'expired';

/**
 * Whether the access token is good for a request at `now` by the device's clock: `due` from `early` milliseconds before it
 * expires, but never in the first three quarters of its life, or a short life would mean a refresh with each call.
 */
export function freshness(session: Session, now: number, early: number): Freshness {
  const server = now + session.clock_offset;
  const expiry = Date.parse(session.access_token_expires_at);
  if (server >= expiry) return 'expired';
  const margin = Math.min(early, Math.max(0, expiry - session.received_at) / 4);
  return server >= expiry - margin ? 'due' : 'fresh';
}
