import { spawn, spawnSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { sleep } from './chance.js';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Until when a service gives the identical pair again to a refresh whose answer was lost. */
export type LostAnswer = 'until_first_use' | 'window';

/**
 * The service's REPLAY_WINDOW, milliseconds. Where only the window saves a lost answer it is as long as access tokens of a minute
 * allow, for the machine may be slow and the faults take a quarter of it. Else it bounds only how late a request may come.
 */
export const replayWindowOf = (rule: LostAnswer): number => (rule === 'window' ? 50_000 : 15_000);

/** What the service's environments may differ by, milliseconds: for so long after a window it still answers 409. */
export const TOLERANCE = 5_000;

/** Which rule `latchkey dev` has. A version with the setting LOST_ANSWER refuses to start with an unknown value; others ignore it. */
export function ruleOf(command: string): LostAnswer {
  const { status, error } = spawnSync(command, ['dev', '--port', '0'], {
    stdio: 'ignore',
    timeout: 5_000,
    killSignal: 'SIGKILL',
    env: { ...process.env, LOST_ANSWER: 'sometimes' },
  });
  if (error && (error as NodeJS.ErrnoException).code !== 'ETIMEDOUT') throw error;
  return typeof status === 'number' && status !== 0 ? 'until_first_use' : 'window';
}

/** The conformance script's service on a free port, with access tokens that live a minute. */
export async function startStandIn(rule: LostAnswer): Promise<{ url: string; stop: () => void }> {
  const { Network } = (await import(new URL('../../../conformance/network.js', import.meta.url).href)) as {
    Network: new (options: object) => { listen(): Promise<void>; close(): void; url: string };
  };
  const network = new Network({ accessLife: 60_000, replayWindow: replayWindowOf(rule), lostAnswer: rule });
  await network.listen();
  return { url: network.url, stop: () => network.close() };
}

/** `latchkey dev` on a free port, with access tokens that live a minute. */
export async function startService(command: string, rule: LostAnswer = 'window'): Promise<{ url: string; stop: () => void }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(command, ['dev', '--port', String(port)], {
    stdio: 'ignore',
    // The page of the browser's test is of another origin.
    env: { ...process.env, ACCESS_TOKEN_TTL: '1m', REPLAY_WINDOW: `${replayWindowOf(rule) / 1000}s`, CORS_ALLOW_ORIGIN: '*' },
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
