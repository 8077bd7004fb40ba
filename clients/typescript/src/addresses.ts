// The addresses that the access token may be sent to.

const ADDRESS = /^https?:\/\/[^/?#@\\\s]+(\/[^?#\\\s]*)?$/;
const LOOPBACK = /^(([a-z0-9-]+\.)?localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/;

/** With scheme and host as the parser of addresses writes them, so that a URL and a text compare. */
const canonical = (address: string): string =>
  address.replace(/^[a-z]+:\/\/[^/?#]*/i, (origin) => origin.toLowerCase().replace(/^(https:.*):443$|^(http:.*):80$/, '$1$2'));

export interface Addresses {
  readonly base: string;
  /** The address of a path below `baseUrl`, or `input` itself. A TypeError where it is none of the named ones. */
  of(input: string): string;
}

export function addressesOf(baseUrl: string, apis: readonly string[], allowHttp: boolean): Addresses {
  const known = [baseUrl, ...apis].map((address) => canonical(address.replace(/\/+$/, '')));
  for (const address of known) {
    if (!ADDRESS.test(address) || hasDetour(address)) throw new TypeError('baseUrl and apis take addresses like https://api.example.com/v1');
    const [scheme, , host] = address.split('/');
    if (scheme === 'http:' && !allowHttp && !LOOPBACK.test(host!)) {
      throw new TypeError('http:// needs allowHttp');
    }
  }
  const base = known[0]!;
  return {
    base,
    of: (input) => {
      const address = /^\/(?!\/)/.test(input) ? base + input : canonical(input);
      const named = (one: string): boolean => address.startsWith(one) && /^([/?#]|$)/.test(address.slice(one.length));
      if (known.some(named) && !hasDetour(address)) return address;
      throw new TypeError('not below baseUrl or apis');
    },
  };
}

/** Whether the path leads elsewhere than it seems to: `/v1/../admin` begins with `/v1`. Parsers drop tabs and line breaks, and turn `\` into `/`. */
function hasDetour(address: string): boolean {
  const path = address.split(/[?#]/, 1)[0]!;
  return /[\t\r\n]/.test(address) || path.includes('\\') || /\/(\.|%2e){1,2}(\/|$)/i.test(path);
}
