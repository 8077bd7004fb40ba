// A call to an API: what `fetch` was given, in one form.
import type { Addresses } from './addresses.js';

export interface Call {
  readonly url: string;
  readonly init: RequestInit;
}

/** What `fetch` was given, as an address and options. The body of a Request is read, so that it can be sent twice. */
export async function callOf(addresses: Addresses, input: string | URL | Request, options: RequestInit): Promise<Call> {
  const request = typeof input === 'object' && 'headers' in input ? input : null;
  const url = addresses.of(request ? request.url : String(input));
  const init: Record<string, unknown> = {};
  const set = (given: object, names: string[]): void => {
    for (const name of names) {
      const value = (given as Record<string, unknown>)[name];
      if (value !== undefined) init[name] = value;
    }
  };
  if (request) set(request, ['method', 'headers', 'signal', 'redirect', 'credentials', 'cache', 'integrity', 'keepalive']);
  set(options, Object.keys(options));
  // A platform's own redirect would take the token along to any address of the origin, so a redirect is an answer like any other.
  if (init['redirect'] !== 'error') init['redirect'] = 'manual';
  if (request && init['body'] === undefined) {
    const body = await request.arrayBuffer();
    // A GET has none, and may not be given an empty one.
    if (body.byteLength) init['body'] = body;
  }
  return { url, init };
}

/** Whether a body is used up by sending it: a ReadableStream, a stream of Node's, or anything else to iterate over. */
export function isOneShot(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const { getReader, pipe, [Symbol.asyncIterator]: iterate } = body as Record<string | symbol, unknown>;
  return [getReader, pipe, iterate].some((method) => typeof method === 'function');
}
