// What an answer means. Pure: status, headers and text in, a verdict out.
import type { Later } from './errors.js';
import { pairOf, parse, type Pair } from './session.js';

/** An answer that has been read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly text: string;
  /** Why the login is over, where no service has said so: the key that its token is bound to is gone from this device. */
  readonly over?: 'key';
}

/** A pair; null where the login of the presented token is over; or nothing is known: keep the session, ask again. */
export type RefreshVerdict = Pair | null | Later;

const mediaType = (answer: Answer): string | undefined => answer.headers.get('Content-Type')?.split(';')[0]!.trim().toLowerCase();

/** The code of a problem of Latchkey's or of its gateway, or null where something else answers. */
export function problemCode(answer: Answer): string | null {
  if (mediaType(answer) !== 'application/problem+json') return null;
  const code = parse(answer.text)?.['code'];
  // Its codes are words; anything else isn't fit for a message.
  return typeof code === 'string' && /^[a-z_]{1,64}$/.test(code) ? code : null;
}

/** The pair in a successful answer to a login or a refresh, or null. */
export function pairIn(answer: Answer): Pair | null {
  if (answer.status !== 200 || mediaType(answer) !== 'application/json') return null;
  return pairOf(parse(answer.text));
}

// Where something else than Latchkey answers, a proxy or a portal, its word isn't taken for longer.
const STRANGERS_WORD = 60;

/** Retry-After in seconds, given as seconds or as a date; `now` is the device's clock, used where the answer has no Date. */
export function retryAfter(answer: Answer, now: number): number | undefined {
  const value = answer.headers.get('Retry-After')?.trim() ?? '';
  let seconds = /^\d+$/.test(value) ? Number(value) : NaN;
  // Only this form of a date: parsers take much for one.
  if (/^[A-Z][a-z]{2}, .* GMT$/.test(value)) {
    const date = Date.parse(answer.headers.get('Date')!);
    seconds = Math.ceil((Date.parse(value) - (isNaN(date) ? now : date)) / 1000);
  }
  const most = problemCode(answer) === null ? STRANGERS_WORD : 86_400;
  return isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 0), most);
}

export function later(answer: Answer, now: number): Later {
  const reason = answer.status === 409 && problemCode(answer) === 'superseded' ? 'superseded' : 'answer';
  return { reason, status: answer.status, retryAfter: retryAfter(answer, now) };
}

/** Whether the login is over: 401, as a problem, with the code `invalid_token`. */
export const isVerdict = (answer: Answer): boolean => answer.status === 401 && problemCode(answer) === 'invalid_token';

/**
 * The verdict on a refresh. One answer alone ends a login: 401, as a problem, with the code `invalid_token`. Captive portals
 * answer 401 too, and so do proxies; an outage is never 401. A pair of another login is no answer to this token.
 */
export function judgeRefresh(answer: Answer, loginId: string, now: number): RefreshVerdict {
  const pair = pairIn(answer);
  if (pair && pair.login_id === loginId) return pair;
  return isVerdict(answer) ? null : later(answer, now);
}
