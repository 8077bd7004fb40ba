// The addresses that the access token may be sent to.

const ADDRESS = /^https?:\/\/[^/?#@\\\s]+(\/[^?#\\\s]*)?$/;
const LOOPBACK = /^(localhost|[a-z0-9-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;

/** With scheme and host as the parser of addresses writes them, so that a URL and a text compare. */
const canonical = (address: string): string =>
  address.replace(/^[a-z]+:\/\/[^/?#]*/i, (origin) => origin.toLowerCase().replace(/^(https:.*):443$|^(http:.*):80$/, '$1$2'));

export class Addresses {
  readonly #known: readonly string[];

  constructor(baseUrl: string, apis: readonly string[], allowHttp: boolean) {
    this.#known = [baseUrl, ...apis].map((address) => canonical(address.replace(/\/+$/, '')));
    for (const address of this.#known) {
      if (!ADDRESS.test(address) || hasDetour(address)) throw new TypeError('baseUrl and apis take addresses like https://api.example.com/v1');
      const [scheme, , host] = address.split('/');
      if (scheme === 'http:' && !allowHttp && !LOOPBACK.test(host!)) {
        throw new TypeError('http:// is for this machine only: use https://, or allowHttp while you develop');
      }
    }
  }

  get base(): string {
    return this.#known[0]!;
  }

  /** The address of a path below `baseUrl`, or `input` itself. A TypeError where it is none of the named ones. */
  of(input: string): string {
    const address = input.startsWith('/') && !input.startsWith('//') ? this.base + input : canonical(input);
    if (!this.has(address)) throw new TypeError('this address is neither below baseUrl nor in apis: the access token is not sent there');
    return address;
  }

  has(address: string): boolean {
    const named = (known: string): boolean => address.startsWith(known) && ['', '/', '?', '#'].includes(address.charAt(known.length));
    return this.#known.some(named) && !hasDetour(address);
  }
}

/** Whether the path leads elsewhere than it seems to: `/v1/../admin` begins with `/v1`. Parsers drop tabs and line breaks, and turn `\` into `/`. */
function hasDetour(address: string): boolean {
  const path = address.split(/[?#]/, 1)[0]!;
  return /[\t\r\n]/.test(address) || path.includes('\\') || /\/(\.|%2e){1,2}(\/|$)/i.test(path);
}
