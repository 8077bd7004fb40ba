// The service on a port, behind a network that does what a requirement says.
import { createServer } from 'node:http';
import { PATIENCE } from './client.js';
import { Service } from './service.js';

export class Network {
  /** What the service's clock is ahead of this machine's, milliseconds. */
  ahead = 0;
  /** What happens to every request for which no single fault is left: a function of {method, path}. */
  outage = null;
  /** The path that the service is below: '' or one like /v1. */
  below = '';
  /** The Authorization of each request that came to another path. */
  outside = [];
  /** When each request came: {at, method, path, token, proof}. */
  came = [];
  #faults = new Map();

  constructor(options) {
    this.service = new Service({ now: () => Date.now() + this.ahead, ...options });
    this.server = createServer((request, response) => void this.#serve(request, response).catch(() => response.destroy()));
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /**
   * Faults for the next requests to a path, one each: an answer; 'drop', lost on the way to the service; 'lost', its answer lost on
   * the way back; 'hang', no answer at all; 'pass'; or a function that is given `answer()` and gives an answer, now or later.
   */
  fault(path, ...faults) {
    this.#faults.set(path, [...(this.#faults.get(path) ?? []), ...faults]);
  }

  /**
   * The next request to the path reaches the service, and its answer waits for `release`, which may replace it. `arrived` fails if none
   * comes.
   */
  hold(path) {
    const held = {};
    held.arrived = new Promise((arrived, failed) => {
      const timer = setTimeout(() => failed(new Error(`no request to ${path} came within ${PATIENCE / 1000} s`)), PATIENCE);
      this.fault(path, async (answer) => {
        const given = answer();
        const released = new Promise((resolve) => (held.release = resolve));
        clearTimeout(timer);
        arrived();
        return (await released) ?? given;
      });
    });
    held.arrived.catch(() => {}); // Where the requirement has failed before it waits.
    return held;
  }

  count(path, method = 'POST') {
    return this.came.filter((request) => request.path === path && request.method === method).length;
  }

  async #serve(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (!request.url.startsWith(this.below)) {
      this.outside.push(request.headers.authorization ?? '');
      return void response.end();
    }
    const asked = { method: request.method, path: request.url.slice(this.below.length), headers: request.headers, body: Buffer.concat(chunks).toString() };
    this.came.push({ at: Date.now(), method: asked.method, path: asked.path, token: request.headers.authorization ?? null, proof: request.headers.dpop ?? null });
    const fault = this.#faults.get(asked.path)?.shift() ?? this.outage?.(asked) ?? 'pass';
    const answer = () => this.service.handle(asked);
    switch (fault) {
      case 'hang':
        return;
      case 'drop':
        return void response.destroy();
      case 'lost':
        answer();
        return void response.destroy();
    }
    const given = fault === 'pass' ? answer() : typeof fault === 'function' ? await fault(answer) : fault;
    response.writeHead(given.status, given.headers);
    response.end(given.body);
  }
}
