// A client as it is often written, for the conformance script to refuse: it takes any 401 and any failed refresh for the end of
// the login, refreshes in every call at once, trusts the device's clock, knows no keys, and stores when it comes to it.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const url = process.env.LATCHKEY_URL;
const file = join(process.env.LATCHKEY_STATE, 'tokens.json');
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

class LoggedOut extends Error {}

let pair = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;

function keep(answer) {
  pair = answer;
  setTimeout(() => pair && writeFileSync(file, JSON.stringify(pair)), 1000);
}
function wipe() {
  pair = null;
  rmSync(file, { force: true });
  tell({ event: 'logged_out' });
}
const send = (method, path, token, body) =>
  fetch(/^http/.test(path) ? path : url + path, {
    method,
    headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), 'Content-Type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });

async function refresh() {
  if (!pair) throw new LoggedOut();
  const response = await send('POST', '/refresh', pair.refresh_token);
  if (!response.ok) {
    console.error(`refresh failed for ${pair.refresh_token}: ${response.status}`);
    wipe();
    throw new LoggedOut();
  }
  keep(await response.json());
}

async function call(path) {
  if (!pair) throw new LoggedOut();
  if (Date.parse(pair.access_token_expires_at) < Date.now()) await refresh();
  let response = await send('GET', path, pair.access_token);
  if (response.status === 401) {
    await refresh();
    response = await send('GET', path, pair.access_token);
  }
  return { outcome: 'ok', status: response.status };
}

async function obey({ do: what, username, password, path }) {
  switch (what) {
    case 'login': {
      const response = await send('POST', '/login', null, { username, password });
      if (response.status === 401) return { outcome: 'refused', code: 'invalid_credentials' };
      keep(await response.json());
      return { outcome: 'ok' };
    }
    case 'call':
      return call(path);
    case 'refresh':
      await refresh();
      return { outcome: 'ok' };
    case 'logout':
      if (pair) await send('POST', '/logout', pair.access_token).catch(() => {});
      wipe();
      return { outcome: 'ok' };
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  obey(command).then(
    (outcome) => tell({ id: command.id, ...outcome }),
    (error) => tell({ id: command.id, outcome: error instanceof LoggedOut ? 'logged_out' : 'later' }),
  );
});
tell({ event: 'ready', shares_state: true });
