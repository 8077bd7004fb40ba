// A bad network before the service: it loses requests and answers, delays and doubles them, cuts them short, and answers
// itself as captive portals and overloaded gateways do. Which request meets what, the seed determines.
import { createHash } from 'node:crypto';
import { Agent, createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chance, sleep } from './chance.js';

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

const html = (status: number, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { 'content-type': 'text/html', ...headers },
  body: Buffer.from('<html>Welcome. Accept the terms to go on.</html>'),
});
const problem = (status: number, code: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: Buffer.from(JSON.stringify({ type: 'about:blank', title: code, status, code, retryable: true })),
});

/** What the network itself may answer. */
const ANSWERS: Record<string, () => Reply> = {
  'portal 401': () => html(401),
  'portal 302': () => html(302, { location: 'http://portal.invalid/' }),
  'portal 200': () => html(200),
  '401 that is no problem': () => ({ ...html(401), headers: { 'content-type': 'application/json' }, body: Buffer.from('{"message":"Unauthorized"}') }),
  '408': () => html(408),
  '429': () => problem(429, 'throttled', { 'retry-after': '1' }),
  '500': () => html(500),
  '503': () => problem(503, 'unavailable', { 'retry-after': '1' }),
  '503 page': () => html(503),
};

/** Each with its share in a hundred; the rest goes through. */
const SHARES: [string, number][] = [
  ['request lost', 6], ['answer lost', 10], ['request late', 5], ['answer late', 5], ['doubled', 4], ['doubled late', 3],
  ['cut short', 2], ['no answer', 1], ['portal 401', 2], ['portal 302', 1], ['portal 200', 1], ['401 that is no problem', 1],
  ['408', 1], ['429', 2], ['500', 1], ['503', 2], ['503 page', 1],
];

// Where the service recovers lost answers inside the replay window only, a refresh token that was sent once is disturbed no longer.
const DISTURBED_FOR = 12_000;
// No request is late by more: one that is a replay window late can't be told from a thief's.
const LATEST = 2_500;
// Of the refresh tokens, the share whose answers are lost for longer than any window, and the first of them.
const ONE_IN = 40;
const FIRST = 3;

export class Proxy {
  readonly faults = new Map<string, number>();
  requests = 0;
  /** Verdicts of the service itself, 401 to a refresh: what had become of each attempt with that token. */
  readonly ended: string[][] = [];
  calm = false;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #firstSent = new Map<string, number>();
  readonly #attempts = new Map<string, string[]>();
  /** Refresh tokens whose answers are all lost until then. */
  readonly #lostUntil = new Map<string, number>();
  readonly #recovered = new Set<string>();
  #portalUntil = 0;

  /** `lostFor`: for how many milliseconds some refresh tokens' answers are lost; null where the service recovers inside the window only. */
  constructor(
    private readonly upstream: string,
    private readonly seed: number,
    private readonly lostFor: number | null,
  ) {}

  /** How many refresh tokens had all their answers lost for `lostFor`, and how many of them brought a pair after that. */
  get lostForLong(): { tokens: number; recovered: number } {
    return { tokens: this.#lostUntil.size, recovered: this.#recovered.size };
  }

  /** Waits until no answer is being lost for long any more. */
  async losesNoMore(): Promise<void> {
    for (const until of this.#lostUntil.values()) await sleep(Math.max(0, until - Date.now()));
  }

  async listen(): Promise<string> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const number = (this.requests += 1);
    const random = chance(this.seed * 1_000_003 + number);
    const fault = this.#fault(request, random);
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    const late = random() * LATEST;

    if (request.url === '/refresh') {
      this.#note(request, `came, ${fault}`);
      response.on('close', () => this.#note(request, response.writableFinished ? 'answered' : 'cut off'));
    }

    const own = ANSWERS[fault];
    if (own) return reply(response, own());
    switch (fault) {
      case 'request lost':
        return void response.destroy();
      case 'no answer':
        return void request.socket.once('close', () => response.destroy());
      case 'request late':
        await sleep(late);
        return reply(response, await this.#forward(request, body));
      case 'answer late': {
        const answer = await this.#forward(request, body);
        await sleep(late);
        return reply(response, answer);
      }
      case 'answer lost':
      case 'answer lost, for long':
        await this.#forward(request, body);
        return void response.destroy();
      case 'cut short': {
        const answer = await this.#forward(request, body);
        response.writeHead(answer.status, { ...answer.headers, 'content-length': String(answer.body.length) });
        response.write(answer.body.subarray(0, answer.body.length >> 1));
        await sleep(5);
        return void response.destroy();
      }
      case 'doubled':
        return reply(response, await Promise.race([this.#forward(request, body), this.#forward(request, body)]));
      case 'doubled late':
        void sleep(late).then(() => this.#forward(request, body).catch(() => {}));
        return reply(response, await this.#forward(request, body));
      default: {
        const answer = await this.#forward(request, body);
        const token = nameOf(request);
        if (request.url === '/refresh' && answer.status === 200 && this.#lostUntil.has(token)) this.#recovered.add(token);
        return reply(response, answer);
      }
    }
  }

  #fault(request: IncomingMessage, random: () => number): string {
    if (this.calm || request.url === '/login') return 'none';
    const token = nameOf(request);
    if (request.url === '/refresh') {
      const since = Date.now() - (this.#firstSent.get(token) ?? Date.now());
      if (!this.#firstSent.has(token)) {
        this.#firstSent.set(token, Date.now());
        const chosen = this.lostFor !== null && this.#firstSent.size % ONE_IN === FIRST;
        if (chosen) this.#lostUntil.set(token, Date.now() + this.lostFor + 5_000 * random());
      }
      const lostUntil = this.#lostUntil.get(token);
      if (lostUntil !== undefined) return Date.now() < lostUntil ? 'answer lost, for long' : 'none';
      if (this.lostFor === null && since > DISTURBED_FOR) return 'none';
    }
    // Now and then a portal closes for everybody.
    if (Date.now() < this.#portalUntil) return 'portal 401';
    if (random() < 0.003) this.#portalUntil = Date.now() + 500 + random() * 1500;
    let roll = random() * 100;
    for (const [name, share] of SHARES) {
      if (roll < share) return name;
      roll -= share;
    }
    return 'none';
  }

  /** What happened to a refresh token, with the seconds since it first came. */
  #note(request: IncomingMessage, what: string): string[] {
    const token = nameOf(request);
    const attempts = this.#attempts.get(token) ?? [];
    const since = Date.now() - (this.#firstSent.get(token) ?? Date.now());
    attempts.push(`${(since / 1000).toFixed(1)} s ${what}`);
    this.#attempts.set(token, attempts);
    return attempts;
  }

  #forward(request: IncomingMessage, body: Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const { connection: _c, 'transfer-encoding': _t, host: _h, ...headers } = request.headers;
      const out = send(this.upstream + request.url, { method: request.method, headers, agent: this.#agent }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          if (request.url === '/refresh') {
            const attempts = this.#note(request, `the service says ${answer.statusCode}`);
            if (answer.statusCode === 401 && !this.calm) this.ended.push(attempts);
          }
          const { connection: _, 'transfer-encoding': __, ...kept } = answer.headers;
          resolve({ status: answer.statusCode ?? 502, headers: kept, body: Buffer.concat(chunks) });
        });
      });
      out.on('error', reject);
      out.end(body);
    });
  }
}

/** A name for the request's token that is none. */
const nameOf = (request: IncomingMessage): string => createHash('sha256').update(request.headers.authorization ?? '').digest('hex');

function reply(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, headers);
  response.end(body);
}
