// A client under test: a process that takes commands on its standard input.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

// Above every wait that a client may take; who needs longer doesn't answer.
export const PATIENCE = 12_000;

export class Client {
  /** Events that it told, `ready` left out. */
  events = [];
  /** The reasons that came with them, where they had one. */
  reasons = [];
  /** All that it has written. */
  output = '';
  #waiting = new Map();
  #last = 0;

  constructor(command, environment) {
    // In a process group of its own, so that what the shell has started ends with it.
    this.child = spawn(command, { shell: true, detached: true, stdio: 'pipe', env: { ...process.env, ...environment } });
    this.child.stderr.on('data', (data) => (this.output += data));
    this.child.stdin.on('error', () => {});
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        this.output += `${line}\n`;
        let told;
        try {
          told = JSON.parse(line);
        } catch {
          return reject(new Error('a line of the client is no JSON'));
        }
        if (told.event === 'ready') resolve(told);
        else if (told.event) {
          this.events.push(told.event);
          if (told.reason) this.reasons.push(told.reason);
        } else this.#waiting.get(told.id)?.(told);
      });
      this.child.on('exit', () => reject(new Error('the client has ended before it was ready')));
      setTimeout(() => reject(new Error('the client is not ready')), PATIENCE).unref();
    });
    this.ready.catch(() => {});
    this.ended = new Promise((resolve) => this.child.on('exit', resolve));
  }

  /** Waits for the first event. A client may tell the app in another thread, so the event can come after the outcome. */
  async event() {
    for (const begun = Date.now(); this.events.length === 0 && Date.now() - begun < PATIENCE; ) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Has it do something; gives what it says came of it. */
  do(command, more = {}) {
    const id = (this.#last += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no outcome of "${command}" after ${PATIENCE / 1000} s`)), PATIENCE);
      this.#waiting.set(id, (told) => (clearTimeout(timer), resolve(told)));
      void this.ended.then(() => (clearTimeout(timer), resolve({ outcome: 'gone' })));
      this.child.stdin.write(`${JSON.stringify({ id, do: command, ...more })}\n`);
    });
  }

  login(password = 'correct-horse-battery-staple') {
    return this.do('login', { username: 'demo', password });
  }

  call(path = '/me') {
    return this.do('call', { path });
  }

  /** As a crash or the operating system ends it. */
  async kill() {
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    await this.ended;
  }
}
