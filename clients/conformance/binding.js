// The requirements of ../README.md about logins that are bound to a key of the device. They apply to clients that say `binds`.
import { answered, is, recovers, refreshes } from './requirements.js';
import { problem } from './service.js';

const HOURS = 5 * 3_600_000;
const INVALID = problem('invalid_dpop_proof');
/** A life short enough that a proof is still good when it is over: so a wrong clock is C32's alone. */
const BINDS = { binds: true, accessLife: 60_000 };
const expire = (network) => void (network.ahead += 61_000);

const logins = (network) => network.service.seen.filter(({ path }) => path === '/login');
const part = (proof, index) => JSON.parse(Buffer.from(proof.split('.')[index], 'base64url'));
const claims = ({ proof }) => part(proof, 1);
const keyOf = ({ proof }) => part(proof, 0).jwk.x;

/** Checks that each of the requests has a proof of its own, all by one key. Gives whether each has one. */
function signed(t, requests, when) {
  const all = requests.every(({ proof }) => proof !== null);
  t.check(all, `${when}: a request came without a proof`);
  if (!all) return false;
  t.check(new Set(requests.map((request) => claims(request).jti)).size === requests.length, `${when}: two requests came with one proof, or with one \`jti\``);
  t.check(new Set(requests.map(keyOf)).size <= 1, `${when}: the proofs are by different keys`);
  return true;
}

/** Checks that the app wasn't told that a login is over. */
const staysLoggedIn = (t, client, when) => t.check(client.events.length === 0, `${when}: the app was told that it is logged out`);

async function wrongClock(t, ahead, name) {
  const network = await t.network(BINDS);
  network.ahead = ahead;
  const client = await t.client(network);
  is(t, await client.login(), 'ok', `a login with a device ${name}`);
  t.check(logins(network).at(-1)?.proof, `with a device ${name} the login that was answered had no proof`);
  t.check(logins(network).length <= 2, `with a device ${name} the login took ${logins(network).length} requests, not 2`);
  is(t, await client.do('refresh'), 'ok', `a refresh with a device ${name}`);
  t.check(refreshes(network).length === 1, `with a device ${name} a refresh after a login took ${refreshes(network).length} requests: the login’s answer had the time`);
  // Set while the client runs, as by hand or by the network.
  network.ahead -= 2 * ahead;
  is(t, await client.do('refresh'), 'ok', `a refresh after the clock of a device ${name} was set`);
  staysLoggedIn(t, client, `with a device ${name}`);
  await client.kill();
  const again = await t.client(network);
  is(t, await again.do('refresh'), 'ok', `a refresh with a device ${name}, after a restart`);
  staysLoggedIn(t, again, `with a device ${name}, after a restart`);
}

export const BINDING = [
  {
    id: 'C28',
    title: 'proves possession of its key with each login, and keeps `dpop_jkt` with the pair',
    bound: true,
    async run(t) {
      const { network, client } = await t.loggedIn(BINDS);
      if (!signed(t, logins(network), 'a login')) return;
      t.check(claims(logins(network)[0]).htu === `${network.url}/login`, 'the proof of a login doesn’t name the address that the client was given');
      expire(network);
      answered(t, await client.call(), 'a call after the expiry');
      signed(t, [...logins(network), ...refreshes(network)], 'a login and its refresh');
      await client.do('logout');
      is(t, await client.login(), 'ok', 'the next login');
      t.check(logins(network).at(-1).proof !== null, 'the next login came without a proof');

      const below = await t.network(BINDS);
      below.below = '/v1';
      const other = await t.client(below, { LATCHKEY_URL: `${below.url}/v1` });
      is(t, await other.login(), 'ok', 'a login at a service that is below a path');
      is(t, await other.do('refresh'), 'ok', 'a refresh there');
      for (const request of [...logins(below), ...refreshes(below)]) {
        t.check(request.proof && claims(request).htu === `${below.url}/v1${request.path}`, `the proof of ${request.path} doesn’t name the address that it was sent to`);
      }
    },
  },
  {
    id: 'C29',
    title: 'signs each refresh of a bound login anew, by the login’s key, a repeated one too',
    bound: true,
    async run(t) {
      const { network, client } = await t.loggedIn(BINDS);
      for (let times = 0; times < 2; times += 1) is(t, await client.do('refresh'), 'ok', 'a refresh');
      network.fault('/refresh', 'lost', 'lost');
      is(t, await client.do('refresh'), 'ok', 'a refresh whose answer was lost twice');
      const held = network.hold('/refresh');
      void client.do('refresh');
      await held.arrived;
      await client.kill();
      const again = await t.client(network);
      is(t, await again.do('refresh'), 'ok', 'the same refresh after a crash in the midst of it');
      t.check(network.service.generation === 4, `the service has rotated ${network.service.generation} times, not 4`);
      signed(t, [...logins(network), ...refreshes(network)], '4 refreshes in 7 requests');
      t.check(refreshes(network).every(({ status }) => status === 200), 'a refresh was refused');
    },
  },
  {
    id: 'C30',
    title: 'keeps the key beside the session: a bound login survives a restart, and processes share one key',
    bound: true,
    async run(t) {
      const { network, client } = await t.loggedIn(BINDS);
      await client.kill(); // Right after the login: what wasn't kept by then is lost.
      expire(network);
      const again = await t.client(network);
      answered(t, await again.call(), 'a call after a restart');
      staysLoggedIn(t, again, 'after a restart');
      signed(t, [...logins(network), ...refreshes(network)], 'a login and its refresh after a restart');
      if (!t.shares) return;

      const shared = await t.network(BINDS);
      const both = [await t.client(shared), await t.client(shared)];
      for (const told of await Promise.all(both.map((each) => each.login()))) is(t, told, 'ok', 'a login in two processes of a new device at once');
      for (const each of both) is(t, await each.do('refresh'), 'ok', 'a refresh of each of the two');
      signed(t, [...logins(shared), ...refreshes(shared)], 'in two processes');
    },
  },
  {
    id: 'C31',
    title: 'on `invalid_dpop_proof`: sends one new proof at once, and is never logged out',
    bound: true,
    async run(t) {
      const { network, client } = await t.loggedIn(BINDS);
      network.fault('/refresh', INVALID);
      is(t, await client.do('refresh'), 'ok', 'a refresh whose proof was refused once');
      // An HTTP layer below has sent the request twice, and the client hears the second answer.
      network.fault('/refresh', (answer) => (answer(), answer()));
      is(t, await client.do('refresh'), 'ok', 'a refresh whose proof was answered already');
      t.check(network.count('/refresh') === 4, `two refreshes whose first proofs were refused took ${network.count('/refresh')} requests, not 4`);
      const came = network.came.filter(({ path }) => path === '/refresh');
      signed(t, came, 'a refresh whose proof was refused');

      expire(network);
      network.outage = ({ path }) => (path === '/login' || path === '/refresh' ? INVALID : 'pass');
      const before = network.count('/refresh');
      is(t, await client.call(), 'later', 'a call while every proof is refused');
      const count = network.count('/refresh') - before;
      t.check(count >= 2 && count <= 20, `while every proof was refused the client sent ${count} in 2.5 s; 2 to 20 are fine`);
      const attempts = network.count('/login');
      const { outcome, code } = await client.login();
      t.check(outcome === 'later' || (outcome === 'refused' && code === 'invalid_dpop_proof'), `a login whose proofs are refused comes to "${outcome}" ${code ?? ''}`);
      t.check(network.count('/login') === attempts + 2, `a login whose proofs are refused was sent ${network.count('/login') - attempts} times, not twice`);
      network.outage = null;
      await recovers(t, client, 'when proofs are taken again');
      staysLoggedIn(t, client, 'after proofs that were refused');
    },
  },
  {
    id: 'C32',
    title: 'dates its proofs by the server’s clock: a device’s that is hours wrong logs in and refreshes',
    bound: true,
    async run(t) {
      await Promise.all([wrongClock(t, HOURS, 'five hours behind'), wrongClock(t, -HOURS, 'five hours ahead')]);
    },
  },
  {
    id: 'C33',
    title: 'a lost key is a log-out with the reason `key`, without a request to the service',
    bound: true,
    async run(t) {
      const { network, client } = await t.loggedIn(BINDS);
      is(t, await client.do('lose_key'), 'ok', 'losing the key');
      const before = network.came.length;
      is(t, await client.do('refresh'), 'logged_out', 'a refresh without the key');
      await client.event();
      t.check(network.came.length === before, 'without the key the client has sent a request');
      t.check(client.events.join() === 'logged_out' && client.reasons.join() === 'key', `the app was told "${client.events.join()}" with the reason "${client.reasons.join()}", not once "logged_out" with "key"`);
      await client.kill();
      const again = await t.client(network);
      is(t, await again.call(), 'logged_out', 'after a restart');
      t.check(network.came.length === before, 'after the log-out a token was sent');
      is(t, await again.login(), 'ok', 'the next login');
      is(t, await again.do('refresh'), 'ok', 'its refresh');
      signed(t, [logins(network).at(-1), ...refreshes(network)], 'the next login and its refresh');
    },
  },
  {
    id: 'C34',
    title: 'refreshes a login without `dpop_jkt` without a proof, and without the key',
    bound: true,
    async run(t) {
      const { network, client } = await t.loggedIn();
      is(t, await client.do('refresh'), 'ok', 'a refresh at a service that binds nothing');
      network.service.binds = true;
      is(t, await client.do('refresh'), 'ok', 'when the service binds new logins');
      await client.do('lose_key');
      is(t, await client.do('refresh'), 'ok', 'without the key');
      t.check(refreshes(network).length === 3 && refreshes(network).every(({ proof }) => proof === null), 'a login that isn’t bound was refreshed with a proof');
      staysLoggedIn(t, client, 'without a binding');
    },
  },
];
