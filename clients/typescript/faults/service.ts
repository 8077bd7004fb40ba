import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { sleep } from './chance.js';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Milliseconds. As long as access tokens of a minute allow, for the machine may be slow; the faults themselves take a
 * quarter of it at most.
 */
export const REPLAY_WINDOW = 50_000;

/** `latchkey dev` on a free port, with access tokens that live a minute. */
export async function startService(command: string): Promise<{ url: string; stop: () => void }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(command, ['dev', '--port', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, ACCESS_TOKEN_TTL: '1m', REPLAY_WINDOW: `${REPLAY_WINDOW / 1000}s` },
  });
  const stop = (): void => void child.kill('SIGINT');
  process.on('exit', stop);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  let ended: string | null = null;
  child.on('error', (error) => (ended = error.message));
  child.on('exit', (code) => (ended ??= `it ended with ${code}`));
  for (let tries = 0; tries < 600; tries += 1) {
    if (ended !== null) break;
    const status = await fetch(`${url}/nothing`).then((response) => response.status, () => 0);
    if (status === 404) return { url, stop };
    await sleep(100);
  }
  stop();
  throw new Error(`latchkey dev doesn’t run: ${ended ?? 'no answer within a minute'}`);
}
