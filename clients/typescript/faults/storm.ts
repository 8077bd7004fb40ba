// What an outage costs the service, and how soon its clients are served again:
//   node build/faults/storm.js [--clients 200] [--seed 1]
// Each client has one call that waits for a refresh. The service answers 503 for a while, slowly or at once. Time is simulated, so
// the figures are the same on every machine. Exits 1 if a client sends more than 3 requests in the first 20 s, or isn't served
// within 10 s of the recovery.
import { parseArgs } from 'node:util';
import { Latchkey, memoryStorage } from '../src/index.js';
import { problem, World } from '../test/support.js';
import { chance } from './chance.js';

const { values } = parseArgs({ options: { clients: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } } });
if (!/^\d+$/.test(values.clients) || !/^\d+$/.test(values.seed)) {
  console.error('usage: storm.js [--clients N] [--seed N]');
  process.exit(2);
}
const EARLY = 20_000;
const MOST_REQUESTS = 3;
const SOON = 10_000;

interface Outage {
  name: string;
  /** Milliseconds that the outage takes, and that each 503 takes to come. */
  lasts: number;
  slow: number;
  /** Seconds of Retry-After, from a number of 0 to 1. */
  retryAfter: (random: number) => number;
}
const drawn = (random: number): number => 1 + Math.floor(5 * random);
const OUTAGES: Outage[] = [20_000, 22_000, 24_000, 26_000].flatMap((lasts) => [
  { name: 'slow, Retry-After 1 to 5 s', lasts, slow: 3_500, retryAfter: drawn },
  { name: 'slow, Retry-After 1 s', lasts, slow: 3_500, retryAfter: () => 1 },
  { name: 'at once, Retry-After 1 to 5 s', lasts, slow: 50, retryAfter: drawn },
]);

async function measure({ lasts, slow, retryAfter }: Outage): Promise<{ mean: number; most: number; latest: number; served: number }> {
  const world = new World();
  const { time } = world;
  const random = chance(Number(values.seed));
  const clients: Latchkey[] = [];
  const sent: number[] = [];
  for (let index = 0; index < Number(values.clients); index += 1) {
    const of = chance(Number(values.seed) * 1_000_003 + index);
    sent.push(0);
    const client = new Latchkey({
      baseUrl: 'https://api.test',
      storage: memoryStorage(),
      patience: 120_000,
      timing: { now: time.now, elapsed: time.elapsed, sleep: time.sleep, random: of },
      fetch: (url, init) => {
        if (url.endsWith('/refresh') && time.clock - begun < EARLY) sent[index]! += 1;
        return world.fetch(url, init);
      },
    });
    clients.push(client);
    await client.login({ username: 'demo', password: 'correct-horse-battery-staple' });
  }
  const begun = (time.clock += 300_001);
  world.outage = ({ path }) =>
    path !== '/refresh'
      ? null
      : async (answer) => {
          if (time.clock - begun >= lasts) return answer();
          await time.sleep(slow);
          return problem('unavailable', { 'Retry-After': String(retryAfter(random())) });
        };
  let latest = 0;
  let served = 0;
  for (const client of clients) {
    void client.fetch('https://api.test/me').then(({ status }) => {
      if (status !== 200) return;
      served += 1;
      latest = Math.max(latest, time.clock - begun - lasts);
    });
  }
  await time.pass(lasts + 60_000);
  return { mean: sent.reduce((sum, each) => sum + each, 0) / sent.length, most: Math.max(...sent), latest, served };
}

let broken = 0;
console.log(`an outage, ${values.clients} clients with a waiting call each, seed ${values.seed}:`);
for (const outage of OUTAGES) {
  const { mean, most, latest, served } = await measure(outage);
  const holds = most <= MOST_REQUESTS && latest <= SOON && served === Number(values.clients);
  if (!holds) broken += 1;
  console.log(
    `  ${holds ? '' : 'BROKEN '}503 ${outage.name}, for ${outage.lasts / 1000} s: ${mean.toFixed(2)} requests each in 20 s, at most ${most}; ` +
      `${served} served, the last ${(latest / 1000).toFixed(1)} s after the recovery`,
  );
}
process.exit(broken === 0 ? 0 : 1);
