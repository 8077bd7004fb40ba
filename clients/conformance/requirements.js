// The requirements of ../README.md, as tests. Each has a service and a state directory of its own.
import { createServer } from 'node:http';
import { problem } from './service.js';

const DAY = 86_400_000;
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const page = (status, headers = {}) => ({ status, headers: { 'Content-Type': 'text/html', ...headers }, body: '<html>Welcome to our Wi-Fi</html>' });
const json = (status, value) => ({ status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) });

/** Lets the access token expire at the service; only its clock moves. */
const expire = (network) => void (network.ahead += 300_001);
export const refreshes = (network) => network.service.seen.filter(({ path }) => path === '/refresh');
const refused = (network) => network.service.seen.filter(({ path, status }) => path === '/me' && status === 401).length;

export function is(t, told, outcome, when) {
  t.check(told.outcome === outcome, `${when}: the outcome is "${told.outcome}", not "${outcome}"`);
}
export function answered(t, told, when) {
  t.check(told.outcome === 'ok' && told.status === 200, `${when}: ${told.outcome} ${told.status ?? ''}, not ok 200`);
}
/** When all is well again a call is answered, at the latest when the client's back-off is over. */
export async function recovers(t, client, when) {
  let told = await client.call();
  for (let calls = 0; calls < 24 && told.outcome === 'later'; calls += 1) {
    await sleep(500);
    told = await client.call();
  }
  answered(t, told, when);
}

/** The API's refusal of a token, as the authorizer words it. */
const REFUSAL = problem('invalid_token', { 'WWW-Authenticate': 'Bearer error="invalid_token"' });

/** What isn't a verdict on the token, though some of it looks like one. */
const NO_VERDICTS = [
  ['a portal’s 401', page(401)],
  ['a redirect', page(302, { Location: 'http://127.0.0.1:9/' })],
  ['a portal’s 200', page(200)],
  ['a 401 that is no problem', json(401, { message: 'Unauthorized' })],
  ['the verdict’s text as another type', { ...problem('invalid_token'), headers: { 'Content-Type': 'application/json' } }],
  ['the verdict with another status', { ...problem('invalid_token'), status: 403 }],
  ['a 401 with another code', problem('missing_token')],
  ['403', page(403)],
  ['404', problem('not_found')],
  ['408', page(408)],
  ['409 of something else', page(409)],
  ['429', problem('throttled', { 'Retry-After': '1' })],
  ['500', problem('internal')],
  ['503', problem('unavailable', { 'Retry-After': '1' })],
  ['no connection', 'drop'],
  ['no answer', 'hang'],
];

/** The stored pair's successor was lost, and hours have passed: its access token has expired too. */
async function hoursLater(t) {
  const { network, client } = await t.loggedIn({ accessLife: 4_000 });
  network.fault('/refresh', 'lost');
  network.outage = ({ path }) => (path === '/refresh' ? 'drop' : 'pass');
  is(t, await client.do('refresh'), 'later', 'a refresh whose answer was lost, and no network after it');
  await client.kill();
  network.outage = null;
  await sleep(4_500); // The device's own clock says that the stored access token has expired.
  network.ahead += 5 * 3_600_000;
  const again = await t.client(network);
  answered(t, await again.call(), 'a call, hours later');
  t.check(refused(network) === 0, 'the API was sent an access token that had expired');
  t.check(network.service.generation === 2, `the service has rotated ${network.service.generation} times, not 2`);
}

/** A service that recovers lost answers inside the window only. */
async function inTheBackground(t) {
  const { network, client } = await t.loggedIn({ replayWindow: 12_000, lostAnswer: 'window' });
  network.fault('/refresh', 'lost');
  network.outage = ({ path }) => (path === '/refresh' ? 'drop' : 'pass');
  is(t, await client.do('refresh'), 'later', 'a refresh whose answer was lost, and no network after it');
  const before = network.count('/refresh');
  network.outage = null;
  for (let tenths = 0; tenths < 110 && network.count('/refresh') === before; tenths += 1) await sleep(100);
  t.check(network.count('/refresh') > before, 'it wasn’t repeated before the replay window was over');
  await sleep(300);
  network.ahead += 20_000;
  answered(t, await client.call(), 'after the window');
}

export const REQUIREMENTS = [
  {
    id: 'C1',
    title: 'stores a pair before it uses it',
    async run(t) {
      const { network, client } = await t.loggedIn();
      expire(network);
      // Killed at the moment it first uses the new access token.
      const used = new Promise((resolve) => {
        network.outage = ({ path, headers }) => {
          if (path !== '/me' || network.service.generation === 0) return 'pass';
          // The service counts it as the first use; the client hears nothing of it.
          return (answer) => {
            answer();
            resolve(headers.authorization);
            return new Promise(() => {});
          };
        };
      });
      void client.call();
      await Promise.race([used, sleep(5_000)]);
      await client.kill();
      network.outage = null;
      network.ahead += 60_000; // A window after the first use the old token would end the login.
      const again = await t.client(network);
      answered(t, await again.call(), 'after a crash at the first use of a new pair');
    },
  },
  {
    id: 'C2',
    title: 'one refresh at a time, however many calls wait',
    async run(t) {
      const { network, client } = await t.loggedIn();
      expire(network);
      network.fault('/refresh', async (answer) => (await sleep(200), answer()));
      const calls = await Promise.all(Array.from({ length: 20 }, () => client.call()));
      for (const call of calls) answered(t, call, 'one of 20 calls at once');
      t.check(network.count('/refresh') === 1, `20 calls at once made ${network.count('/refresh')} refreshes`);
    },
  },
  {
    id: 'C3',
    title: 'refreshes before the access token expires',
    async run(t) {
      const { network, client } = await t.loggedIn({ accessLife: 3_000 });
      await sleep(4_200);
      answered(t, await client.call(), 'a call after the expiry');
      t.check(refused(network) === 0, 'the API was sent an access token that had expired');
      t.check(network.count('/refresh') === 1, `there were ${network.count('/refresh')} refreshes, not 1`);
    },
  },
  {
    id: 'C4',
    title: 'judges expiry by the server’s Date, not by the device’s clock alone',
    async run(t) {
      const wrong = async (ahead, name) => {
        const network = await t.network();
        network.ahead = ahead;
        let client = await t.client(network);
        await client.login();
        for (let calls = 0; calls < 3; calls += 1) answered(t, await client.call(), `with a device ${name}`);
        await client.kill();
        client = await t.client(network);
        answered(t, await client.call(), `with a device ${name}, after a restart`);
        t.check(network.count('/refresh') === 0, `with a device ${name} there were ${network.count('/refresh')} refreshes in the first seconds`);

        const short = await t.network({ accessLife: 3_000 });
        short.ahead = ahead;
        const other = await t.client(short);
        await other.login();
        await sleep(4_200);
        answered(t, await other.call(), `with a device ${name}, after the expiry`);
        t.check(refused(short) === 0, `with a device ${name} the API was sent an access token that had expired`);
      };
      await Promise.all([wrong(DAY, 'a day behind'), wrong(-DAY, 'a day ahead')]);
    },
  },
  {
    id: 'C5',
    title: 'on a 401 of the API: refreshes, repeats the call once, then hands the answer on',
    async run(t) {
      const { network, client } = await t.loggedIn();
      network.fault('/me', REFUSAL);
      answered(t, await client.call(), 'a call whose token was refused once');
      t.check(network.count('/refresh') === 1 && network.count('/me', 'GET') === 2, 'it takes one refresh and one repetition');
      network.outage = ({ path }) => (path === '/me' ? REFUSAL : 'pass');
      const told = await client.call();
      t.check(told.outcome === 'ok' && told.status === 401, `refused twice: ${told.outcome} ${told.status ?? ''}, not ok 401`);
      t.check(network.count('/me', 'GET') === 4, `a call that is always refused was sent ${network.count('/me', 'GET') - 2} times`);
      network.outage = null;
      answered(t, await client.call(), 'afterwards');
    },
  },
  {
    id: 'C6',
    title: 'repeats a refresh whose answer was lost, with the same token, after the replay window and a restart too',
    async run(t) {
      const { network, client } = await t.loggedIn();
      network.fault('/refresh', 'lost', 'lost');
      is(t, await client.do('refresh'), 'ok', 'a refresh whose answer was lost twice');
      t.check(new Set(refreshes(network).map(({ token }) => token)).size === 1, 'it was repeated with another token');
      t.check(network.service.generation === 1, `the service has rotated ${network.service.generation} times`);
      answered(t, await client.call(), 'afterwards');

      network.fault('/refresh', 'lost');
      network.outage = ({ path }) => (path === '/refresh' ? 'drop' : 'pass');
      is(t, await client.do('refresh'), 'later', 'a refresh whose answer was lost, and no network after it');
      await client.kill();
      network.outage = null;
      network.ahead += 60_000; // Twice the replay window. The lost pair still awaits its first use.
      const again = await t.client(network);
      is(t, await again.do('refresh'), 'ok', 'the same refresh, a minute later and after a restart');
      t.check(network.service.generation === 2, `the service has rotated ${network.service.generation} times, not 2`);
      answered(t, await again.call(), 'with the recovered pair');
    },
  },
  {
    id: 'C7',
    title: 'is logged out by nothing but a 401 problem `invalid_token` from /refresh',
    async run(t) {
      // One after the other, for starting a process is what slow machines are slow at.
      const ready = [];
      for (const no of NO_VERDICTS) ready.push([...no, await t.loggedIn()]);
      await Promise.all(
        ready.map(async ([name, answer, { network, client }]) => {
          expire(network);
          network.outage = ({ path }) => (path === '/refresh' ? answer : 'pass');
          is(t, await client.call(), 'later', name);
          network.outage = null;
          await recovers(t, client, `after ${name}`);
          t.check(client.events.length === 0, `${name}: the app was told that it is logged out`);
        }),
      );
    },
  },
  {
    id: 'C8',
    title: 'is logged out by that, once, for good',
    async run(t) {
      const { network, client } = await t.loggedIn();
      network.service.endAll();
      for (const told of await Promise.all([client.call(), client.call(), client.call()])) is(t, told, 'logged_out', 'a call of an ended login');
      await client.event();
      is(t, await client.call(), 'logged_out', 'a call after the log-out');
      t.check(client.events.join() === 'logged_out', `the app was told "${client.events.join()}", not once "logged_out"`);
      await client.kill();
      const before = network.came.length;
      is(t, await (await t.client(network)).call(), 'logged_out', 'after a restart');
      t.check(network.came.length === before, 'a token was sent after the log-out');
    },
  },
  {
    id: 'C9',
    title: 'waits no longer than its patience, then says "later"',
    async run(t) {
      for (const fault of ['drop', 'hang']) {
        const { network, client } = await t.loggedIn();
        expire(network);
        network.outage = ({ path }) => (path === '/refresh' ? fault : 'pass');
        const begun = Date.now();
        is(t, await client.call(), 'later', fault);
        // The patience is 2.5 s; the rest is for slow machines.
        t.check(Date.now() - begun < 8_000, `${fault}: the call took ${Date.now() - begun} ms`);
        network.outage = null;
        await recovers(t, client, `after ${fault}`);
      }
    },
  },
  {
    id: 'C10',
    title: 'sends no refresh before Retry-After has passed',
    async run(t) {
      const { network, client } = await t.loggedIn();
      expire(network);
      network.fault('/refresh', problem('unavailable', { 'Retry-After': '8' }));
      for (let calls = 0; calls < 4; calls += 1) {
        is(t, await client.call(), 'later', 'a call that can’t wait for Retry-After');
        await sleep(100);
      }
      await recovers(t, client, 'after Retry-After');
      const [first, second] = network.came.filter(({ path }) => path === '/refresh');
      t.check(second && second.at - first.at >= 7_950, `after a Retry-After of 8 s it came again after ${second?.at - first.at} ms`);
    },
  },
  {
    id: 'C11',
    title: 'backs off',
    async run(t) {
      const { network, client } = await t.loggedIn();
      expire(network);
      network.outage = ({ path }) => (path === '/refresh' ? 'drop' : 'pass');
      await Promise.all(Array.from({ length: 10 }, () => client.call()));
      const count = network.count('/refresh');
      t.check(count >= 2 && count <= 10, `10 calls in an outage sent ${count} refreshes in 2.5 s; 2 to 10 are fine`);
    },
  },
  {
    id: 'C12',
    title: 'superseded: keeps the old token to itself while the window is open',
    async run(t) {
      const { network, client } = await t.loggedIn({ replayWindow: 3_000 });
      expire(network);
      network.outage = ({ path }) => (path === '/refresh' ? problem('superseded') : 'pass');
      for (let calls = 0; calls < 2; calls += 1) is(t, await client.call(), 'later', 'a call that meets "superseded"');
      const [first, second] = network.came.filter(({ path }) => path === '/refresh');
      t.check(!second || second.at - first.at >= 2_900, `the old token came again after ${second?.at - first.at} ms of a window of 3 s`);
      t.check(client.events.length === 0, 'the app was told that it is logged out');
      network.outage = null;
      // The old token may have been sent, and kept back, once more: that takes another window.
      await recovers(t, client, 'after the window');
    },
  },
  {
    id: 'C13',
    title: 'superseded: takes the pair that another process has stored',
    twoProcesses: true,
    async run(t) {
      const { network, client } = await t.loggedIn();
      const other = await t.client(network);
      expire(network);
      const held = network.hold('/refresh');
      network.fault('/refresh', 'pass');
      const call = client.call();
      await held.arrived;
      is(t, await other.do('refresh'), 'ok', 'the other process');
      held.release(problem('superseded'));
      answered(t, await call, 'the call that met "superseded"');
      t.check(network.service.generation === 1, `the service has rotated ${network.service.generation} times`);
    },
  },
  {
    id: 'C14',
    title: 'one Idempotency-Key for each refresh token, stored before it is sent',
    async run(t) {
      const { network, client } = await t.loggedIn();
      const held = network.hold('/refresh');
      void client.do('refresh');
      await held.arrived;
      await client.kill();
      const again = await t.client(network);
      is(t, await again.do('refresh'), 'ok', 'a refresh after a crash in the midst of one');
      for (let times = 0; times < 3; times += 1) is(t, await again.do('refresh'), 'ok', 'a refresh');
      const keys = new Map();
      for (const { token, key } of refreshes(network)) keys.set(token, (keys.get(token) ?? new Set()).add(key));
      const each = [...keys.values()];
      t.check(each.length === 4, `4 refresh tokens were to be sent, and ${each.length} were`);
      t.check(each.every((of) => of.size === 1), 'a token was sent with two keys');
      const all = new Set(each.flatMap((of) => [...of]));
      t.check([...all].every((key) => key !== null && /^[!-~]{1,128}$/.test(key)), 'a key is missing, or not 1 to 128 visible ASCII characters');
      t.check(all.size === each.length, 'two tokens were sent with one key');
      t.check(refreshes(network).every(({ token, key }) => !key || !token.includes(key)), 'a key is part of its token');
    },
  },
  {
    id: 'C15',
    title: 'two processes agree on the key',
    twoProcesses: true,
    async run(t) {
      const { network, client } = await t.loggedIn();
      const other = await t.client(network);
      // Their requests are answered together, so that both come to store the same pair at the same time.
      let waiting = [];
      const release = () => {
        for (const go of waiting) go();
        waiting = [];
      };
      const together = (answer) =>
        new Promise((resolve) => {
          waiting.push(() => resolve(answer()));
          if (waiting.length === 2) release();
          else setTimeout(release, 40);
        });
      network.outage = ({ path }) => (path === '/refresh' ? together : 'pass');
      const often = async (each) => {
        for (let times = 0; times < 40; times += 1) is(t, await each.do('refresh'), 'ok', 'a refresh in two processes at once');
      };
      await Promise.all([often(client), often(other)]);
      network.outage = null;
      const keys = new Map();
      for (const { token, key } of refreshes(network)) keys.set(token, (keys.get(token) ?? new Set()).add(key));
      t.check([...keys.values()].every((each) => each.size === 1), 'one token was sent with two keys');
      answered(t, await client.call(), 'one of the two, afterwards');
      answered(t, await other.call(), 'the other, afterwards');
    },
  },
  {
    id: 'C16',
    title: 'never writes an older pair over a newer one',
    twoProcesses: true,
    async run(t) {
      const { network, client } = await t.loggedIn();
      const other = await t.client(network);
      const held = network.hold('/refresh');
      const slow = client.do('refresh');
      await held.arrived;
      for (let times = 0; times < 3; times += 1) is(t, await other.do('refresh'), 'ok', 'the other process');
      const { generation } = network.service;
      held.release();
      await slow;
      await client.kill();
      await other.kill();
      network.ahead += 60_000; // Now an old token would end the login.
      const again = await t.client(network);
      is(t, await again.do('refresh'), 'ok', 'a refresh with what is stored');
      t.check(network.service.generation === generation + 1, 'the newest pair wasn’t the stored one');
    },
  },
  {
    id: 'C17',
    title: 'on a 401 of the API with a newer token stored: repeats with that, without a refresh',
    twoProcesses: true,
    async run(t) {
      const { network, client } = await t.loggedIn();
      const other = await t.client(network);
      const held = network.hold('/me');
      const call = client.call();
      await held.arrived;
      is(t, await other.do('refresh'), 'ok', 'the other process');
      held.release(problem('invalid_token'));
      answered(t, await call, 'the call whose token was replaced meanwhile');
      t.check(network.count('/refresh') === 1, `there were ${network.count('/refresh')} refreshes, not 1`);
    },
  },
  {
    id: 'C18',
    title: 'a verdict on a token that is no longer stored logs nobody out',
    twoProcesses: true,
    async run(t) {
      const { network, client } = await t.loggedIn();
      const other = await t.client(network);
      const held = network.hold('/refresh');
      const slow = client.do('refresh');
      await held.arrived;
      is(t, await other.do('refresh'), 'ok', 'the other process');
      held.release(problem('invalid_token'));
      is(t, await slow, 'ok', 'the refresh with the verdict on the old token');
      t.check(client.events.length + other.events.length === 0, 'an app was told that it is logged out');
      answered(t, await client.call(), 'afterwards');
    },
  },
  {
    id: 'C19',
    title: 'logs out with the refresh token, and forgets the pair on 204 and on that 401 alone',
    async run(t) {
      const { network, client } = await t.loggedIn();
      for (const [name, answer] of [['503', problem('unavailable', { 'Retry-After': '1' })], ['a portal’s 401', page(401)], ['a portal’s 200', page(200)], ['no connection', 'drop']]) {
        network.outage = ({ path }) => (path === '/logout' ? answer : 'pass');
        is(t, await client.do('logout'), 'later', name);
        network.outage = null;
        answered(t, await client.call(), `after a log-out that met ${name}`);
      }
      is(t, await client.do('logout'), 'ok', 'a log-out');
      t.check(/^lkr_/.test(network.service.seen.at(-1).token ?? ''), 'the log-out came without the refresh token');
      await client.kill();
      const again = await t.client(network);
      is(t, await again.call(), 'logged_out', 'after the log-out and a restart');
      is(t, await again.login(), 'ok', 'the next login');
      network.fault('/logout', problem('invalid_token'));
      is(t, await again.do('logout'), 'ok', 'a log-out of a login that is over');
      is(t, await again.call(), 'logged_out', 'afterwards');
    },
  },
  {
    id: 'C20',
    title: 'logged out while a refresh is in flight: it stays so',
    async run(t) {
      const { network, client } = await t.loggedIn();
      const held = network.hold('/refresh');
      const refresh = client.do('refresh');
      await held.arrived;
      is(t, await client.do('logout'), 'ok', 'the log-out');
      held.release();
      await refresh;
      const before = network.came.length;
      is(t, await client.call(), 'logged_out', 'a call after the log-out');
      await client.kill();
      is(t, await (await t.client(network)).call(), 'logged_out', 'after a restart');
      t.check(network.came.length === before, 'a token was sent after the log-out');
    },
  },
  {
    id: 'C21',
    title: 'takes nothing for a pair that isn’t one of this login',
    async run(t) {
      const { network, client } = await t.loggedIn();
      const changed = (change) => (answer) => {
        const given = answer();
        return { ...given, body: JSON.stringify({ ...JSON.parse(given.body), ...change }) };
      };
      expire(network);
      network.fault(
        '/refresh',
        changed({ login_id: 'A'.repeat(22), access_token: `lka_${'A'.repeat(252)}`, refresh_token: `lkr_${'A'.repeat(252)}` }),
        changed({ refresh_token: undefined }),
        changed({ access_token: 'lka_\r\n' }),
        (answer) => ({ ...answer(), headers: { 'Content-Type': 'text/html' } }),
      );
      for (let calls = 0; calls < 5; calls += 1) {
        const told = await client.call();
        t.check(told.outcome === 'later' || told.outcome === 'ok', `an answer that is no pair comes to "${told.outcome}"`);
      }
      await recovers(t, client, 'after answers that were no pairs');
      t.check(network.service.generation === 1, `the service has rotated ${network.service.generation} times`);
    },
  },
  {
    id: 'C22',
    title: 'recovers a pair hours later where the service can, and refreshes it before a call; goes on in the background for the window',
    async run(t) {
      await Promise.all([hoursLater(t), inTheBackground(t)]);
    },
  },
  {
    id: 'C23',
    title: 'sends tokens and passwords to the service alone',
    async run(t) {
      const { network, client } = await t.loggedIn();
      const strangers = [];
      const stranger = createServer((request, response) => {
        let body = '';
        request.on('data', (data) => (body += data));
        request.on('end', () => {
          strangers.push(`${request.headers.authorization ?? ''} ${body}`);
          response.end();
        });
      });
      await new Promise((resolve) => stranger.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${stranger.address().port}/`;
      try {
        for (const status of [302, 307, 308]) {
          const redirect = page(status, { Location: url });
          network.fault('/refresh', redirect);
          network.fault('/logout', redirect);
          network.fault('/login', redirect);
          await client.do('refresh');
          await client.do('logout');
          await client.login();
        }
        await client.do('call', { path: url });
        t.check(!strangers.some((text) => /lk[ar]_|correct-horse/.test(text)), 'a token or a password went to another address');

        // Another path of the same origin isn't the service either: a page of somebody else's, behind the same gateway.
        const below = await t.network();
        below.below = '/v1';
        const other = await t.client(below, { LATCHKEY_URL: `${below.url}/v1` });
        is(t, await other.login(), 'ok', 'a login at a service that is below a path');
        for (const status of [302, 307, 308]) {
          below.fault('/me', page(status, { Location: '/elsewhere' }));
          below.fault('/refresh', page(status, { Location: '/elsewhere' }));
          await other.call();
          await other.do('refresh');
        }
        t.check(!below.outside.some((authorization) => /lk[ar]_/.test(authorization)), 'a token followed a redirect out of the service’s address');
        answered(t, await other.call(), 'afterwards');
      } finally {
        stranger.closeAllConnections();
        stranger.close();
      }
    },
  },
  {
    id: 'C24',
    title: 'says why a login was refused, and keeps the session that was there',
    async run(t) {
      const { network, client } = await t.loggedIn();
      const told = await client.login('wrong');
      t.check(told.outcome === 'refused' && told.code === 'invalid_credentials', `a wrong password comes to "${told.outcome}" ${told.code ?? ''}`);
      network.fault('/login', page(401));
      is(t, await client.login(), 'later', 'a login in a captive portal');
      answered(t, await client.call(), 'afterwards');
    },
  },
  {
    id: 'C25',
    title: 'sends the same device_id with every login of an installation',
    async run(t) {
      const { network, client } = await t.loggedIn();
      await client.do('logout');
      await client.login();
      await client.kill();
      await (await t.client(network)).login();
      const ids = network.service.seen.filter(({ path }) => path === '/login').map(({ deviceId }) => deviceId);
      t.check(ids.length === 3 && new Set(ids).size === 1, 'three logins came with different device_ids, or not at all');
      t.check(ids.every((id) => /^[A-Za-z0-9_-]{16,64}$/.test(id ?? '')), 'a device_id is 16 to 64 URL-safe characters');
    },
  },
  {
    id: 'C27',
    title: 'takes a request for a fresh authentication for no refusal',
    async run(t) {
      const { network, client } = await t.loggedIn();
      // Some clients doubt a 401 in the first seconds of a token's life anyway.
      await sleep(10_500);
      const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"';
      const challenges = [{ 'WWW-Authenticate': challenge }, { 'x-amzn-Remapped-WWW-Authenticate': challenge }, { 'WWW-Authenticate': ['Basic realm="api"', challenge] }];
      for (const headers of challenges) {
        const before = network.count('/me', 'GET');
        network.fault('/me', { ...json(401, { code: 'insufficient_user_authentication' }), headers: { 'Content-Type': 'application/problem+json', ...headers } });
        const told = await client.call();
        const when = JSON.stringify(headers);
        t.check(told.outcome === 'ok' && told.status === 401, `${when}: ${told.outcome} ${told.status ?? ''}, not the API’s 401`);
        t.check(network.count('/me', 'GET') === before + 1, `${when}: the call was repeated`);
      }
      t.check(network.count('/refresh') === 0, `it cost ${network.count('/refresh')} refreshes`);
      answered(t, await client.call(), 'afterwards');
    },
  },
];
