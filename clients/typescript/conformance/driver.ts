// The client as clients/conformance drives it: commands on standard input, outcomes on standard output, the state in a directory
// that several processes may share.
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { dpop } from '../src/dpop.js';
import { Latchkey, LoggedOut, Refused, Unavailable, type Storage } from '../src/index.js';
import { fileKeys } from './keys.js';

const environment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

function fileStorage(directory: string): Storage {
  const missing = (error: NodeJS.ErrnoException): null => {
    if (error.code === 'ENOENT') return null;
    throw error;
  };
  return {
    get: (key) => readFile(join(directory, key), 'utf8').catch(missing),
    // Renamed into place, so that a crash leaves the old value or the new one.
    set: async (key, value) => {
      const written = join(directory, `${key}.${randomUUID()}`);
      await writeFile(written, value, { mode: 0o600, flush: true });
      await rename(written, join(directory, key));
    },
    delete: (key) => rm(join(directory, key), { force: true }),
  };
}

const keys = fileKeys(environment('LATCHKEY_STATE'));
const latchkey = new Latchkey({
  baseUrl: environment('LATCHKEY_URL'),
  storage: fileStorage(environment('LATCHKEY_STATE')),
  proofs: dpop(keys),
  patience: Number(environment('LATCHKEY_PATIENCE_MS')),
  attemptTimeout: Number(environment('LATCHKEY_ATTEMPT_MS')),
  replayWindow: Number(environment('LATCHKEY_REPLAY_WINDOW_MS')),
});
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
latchkey.onLoggedOut((reason) => reason === 'logout' || tell({ event: 'logged_out', reason }));

interface Command {
  id: number;
  do: 'login' | 'call' | 'refresh' | 'logout' | 'lose_key';
  username?: string;
  password?: string;
  path?: string;
}

async function obey(command: Command): Promise<object> {
  switch (command.do) {
    case 'login':
      await latchkey.login({ username: command.username ?? '', password: command.password ?? '', device: 'conformance' });
      return { outcome: 'ok' };
    case 'call': {
      const response = await latchkey.fetch(command.path ?? '/me');
      await response.text();
      return { outcome: 'ok', status: response.status };
    }
    case 'refresh':
      await latchkey.refresh();
      return { outcome: 'ok' };
    case 'logout':
      await latchkey.logout();
      return { outcome: 'ok' };
    case 'lose_key':
      await keys.lose();
      return { outcome: 'ok' };
  }
}

function outcomeOf(error: unknown): object {
  if (error instanceof LoggedOut) return { outcome: 'logged_out' };
  if (error instanceof Unavailable) return { outcome: 'later', reason: error.reason, retry_after: error.retryAfter };
  if (error instanceof Refused) return { outcome: 'refused', code: error.problem };
  return { outcome: 'failed', error: (error as Error).message };
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line) as Command;
  obey(command).then(
    (outcome) => tell({ id: command.id, ...outcome }),
    (error: unknown) => tell({ id: command.id, ...outcomeOf(error) }),
  );
});
tell({ event: 'ready', shares_state: true, binds: true });
