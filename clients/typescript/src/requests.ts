// Requests to Latchkey itself, each bounded in time, and read to its end.
import type { Answer } from './answer.js';
import { Unavailable } from './errors.js';
import type { Timing } from './timing.js';

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class Requests {
  constructor(
    private readonly baseUrl: string,
    private readonly fetch: Fetch,
    private readonly timing: Timing,
    private readonly timeout: number,
  ) {}

  /** The answer, whatever its status. Fails with Unavailable where none came, or with the signal's reason. */
  async send({ method, path, token, headers, body }: Request, signal?: AbortSignal): Promise<Answer> {
    const request = new AbortController();
    const over = new AbortController();
    const cancelled = (): void => over.abort();
    signal?.addEventListener('abort', cancelled);
    if (signal?.aborted) over.abort();
    const timer = this.timing.sleep(this.timeout, over.signal);
    const exchange = async (): Promise<Answer> => {
      const response = await this.fetch(this.baseUrl + path, {
        method,
        headers: { ...headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) },
        ...(body === undefined ? {} : { body }),
        signal: request.signal,
        cache: 'no-store',
        credentials: 'omit',
        // A portal's redirect is an answer like any other, and no password or token goes after it.
        redirect: 'manual',
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    };
    try {
      // The clock is asked as well as the request: not every fetch heeds its signal.
      const answer = await Promise.race([exchange().catch(() => 'network' as const), timer.then(() => 'timeout' as const)]);
      if (signal?.aborted) throw signal.reason;
      if (typeof answer === 'string') throw new Unavailable({ reason: answer });
      return answer;
    } finally {
      signal?.removeEventListener('abort', cancelled);
      over.abort();
      request.abort();
    }
  }
}

/** `work` with a signal that aborts with the caller's, and at `deadline` by `Timing.elapsed`; then it fails with Unavailable. */
export async function within<T>(
  timing: Timing,
  deadline: number,
  signal: AbortSignal | null | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const bounded = new AbortController();
  const done = new AbortController();
  const late = new Unavailable({ reason: 'timeout' });
  if (signal?.aborted) bounded.abort(signal.reason);
  // Stays, for the answer's body may still be read: the caller's signal is good for that as well.
  signal?.addEventListener('abort', () => bounded.abort(signal.reason), { once: true });
  void timing.sleep(Math.max(0, deadline - timing.elapsed()), done.signal).then((slept) => slept && bounded.abort(late));
  try {
    return await work(bounded.signal);
  } catch (error) {
    throw bounded.signal.aborted && !signal?.aborted ? late : error;
  } finally {
    done.abort();
  }
}
