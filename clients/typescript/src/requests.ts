// Requests to Latchkey itself, each bounded in time, and read to its end.
import type { Answer } from './answer.js';
import { Unavailable } from './errors.js';
import type { ClientEvent } from './options.js';
import { reasonOf } from './signals.js';
import type { Timing } from './timing.js';

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** A request to Latchkey. */
export interface Request {
  readonly kind: ClientEvent['kind'];
  /** 1 unless it repeats another. */
  readonly attempt?: number;
  /** POST unless set. */
  readonly method?: 'GET' | 'PUT' | 'DELETE';
  /** What follows the kind in the address: an id, a query. */
  readonly rest?: string;
  readonly token?: string;
  /** The thumbprint of the key that the token is bound to. */
  readonly dpop_jkt?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The answer, whatever its status. Fails with Unavailable where none came, or with the signal's reason. */
export type Requests = (request: Request, signal?: AbortSignal | null) => Promise<Answer>;

/** What puts a proof of possession to the requests that need one: `dpop` of `latchkey-client/dpop`. */
export type Proofs = (send: Requests, baseUrl: string, timing: Timing) => Requests;

export function requestsTo(baseUrl: string, fetch: Fetch, timing: Timing, timeout: number, onEvent?: (event: ClientEvent) => void): Requests {
  return async ({ kind, attempt = 1, method = 'POST', rest = '', token, headers, body = null }, signal) => {
    const begun = timing.elapsed();
    const told = (what: { status: number } | { reason: 'network' | 'timeout' }): void => {
      const event = { kind, attempt, milliseconds: Math.round(timing.elapsed() - begun), ...what };
      // In a turn of its own: what the app's function throws stops nothing here.
      void Promise.resolve(event).then(onEvent);
    };
    const exchange = async (bounded: AbortSignal): Promise<Answer> => {
      const response = await fetch(`${baseUrl}/${kind}${rest}`, {
        method,
        headers: { ...headers, ...(token && { Authorization: `Bearer ${token}` }) },
        body,
        signal: bounded,
        cache: 'no-store',
        credentials: 'omit',
        // A portal's redirect is an answer like any other, and no password or token goes after it.
        redirect: 'manual',
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    };
    try {
      const answer = await within(timing, begun + timeout, signal, exchange);
      told({ status: answer.status });
      return answer;
    } catch (error) {
      if (signal?.aborted) throw reasonOf(signal);
      const reason = error instanceof Unavailable ? 'timeout' : 'network';
      told({ reason });
      throw new Unavailable({ reason });
    }
  };
}

/** `work` with a signal that aborts with the caller's, and at `deadline` by `Timing.elapsed`, unless that is Infinity; then it fails with Unavailable. */
export async function within<T>(
  timing: Timing,
  deadline: number,
  signal: AbortSignal | null | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const bounded = new AbortController();
  const done = new AbortController();
  // Raced with the work: not every fetch heeds its signal.
  const over = new Promise<never>((_, reject) => {
    const end = (reason: unknown): void => (bounded.abort(reason), reject(reason));
    const aborted = (): void => end(reasonOf(signal!));
    if (signal?.aborted) aborted();
    // Stays, for the answer's body may still be read: the caller's signal is good for that as well.
    signal?.addEventListener('abort', aborted, { once: true });
    // Not every timer takes Infinity.
    if (deadline < Infinity) void timing.sleep(deadline - timing.elapsed(), done.signal).then((slept) => slept && end(new Unavailable({ reason: 'timeout' })));
  });
  try {
    return await Promise.race([over, work(bounded.signal)]);
  } finally {
    done.abort();
  }
}
