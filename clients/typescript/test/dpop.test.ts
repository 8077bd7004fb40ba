import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base64url, dpop, thumbprintText, webKeys, type DeviceKey, type DeviceKeys } from '../src/dpop.js';
import { memoryStorage, Refused } from '../src/index.js';
import { outcome, problem, World, type Client, type Seen } from './support.js';

/** A device's key store, whose key can be taken away, or fail. */
class Keys implements DeviceKeys {
  key: DeviceKey | null = null;
  fails = false;
  get = async (): Promise<DeviceKey | null> => {
    if (this.fails) throw new Error('the keychain is locked');
    return this.key;
  };
  make = async (): Promise<DeviceKey> => (this.key = (await this.get()) ?? (await newKey()));
}

async function newKey(): Promise<DeviceKey> {
  const { publicKey, privateKey } = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
  const { kty, crv, x } = await crypto.subtle.exportKey('jwk', publicKey);
  const jwk = { kty: kty!, crv: crv!, x: x! };
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(thumbprintText(jwk)));
  const sign = async (bytes: Uint8Array): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, bytes as BufferSource));
  return { alg: 'EdDSA', jwk, thumbprint: base64url(new Uint8Array(hash)), sign };
}

async function bound(world: World, keys: Keys): Promise<Client> {
  return world.loggedIn({ proofs: dpop(keys) });
}

const claims = ({ proof }: Seen): { jti: string; iat: number; htu: string } => JSON.parse(Buffer.from(proof!.split('.')[1]!, 'base64url').toString());

test('a bound login signs each refresh anew, with the server’s time', async () => {
  for (const ahead of [0, 86_400_000, -86_400_000]) {
    const world = new World({ binds: true });
    world.ahead = ahead;
    const keys = new Keys();
    const { latchkey, storage } = await bound(world, keys);
    assert.equal(JSON.parse((await storage.get('latchkey'))!).dpop_jkt, keys.key!.thumbprint);
    assert.equal(world.service.count('/login'), ahead === 0 ? 1 : 2, 'a wrong clock costs the first proof');
    for (let times = 0; times < 3; times += 1) assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
    assert.deepEqual(world.refreshes.map(({ status }) => status), [200, 200, 200]);
    assert.equal(new Set(world.refreshes.map((seen) => claims(seen).jti)).size, 3);
    assert.ok(world.refreshes.every((seen) => claims(seen).htu === 'https://api.test/refresh'));
    await latchkey.logout();
  }
});

test('a refresh whose answer was lost is sent again with a new proof', async () => {
  const world = new World({ binds: true });
  const { latchkey } = await bound(world, new Keys());
  world.fault('/refresh', 'lost', 'lost');
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
  assert.equal(new Set(world.refreshes.map((seen) => claims(seen).jti)).size, 3);
  assert.equal(world.service.generation, 1);
});

test('a proof that was answered already is signed anew, once', async () => {
  const world = new World({ binds: true });
  const { latchkey, loggedOut } = await bound(world, new Keys());
  // An HTTP layer below has sent the request twice, and the app gets the second answer.
  world.fault('/refresh', (answer) => (answer(), answer()));
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
  assert.deepEqual(world.refreshes.map(({ status }) => status), [200, 400, 200]);
  assert.deepEqual(loggedOut, []);
});

test('two refused proofs in a row are a failure like any other, and no loop', async () => {
  const world = new World({ binds: true });
  const { latchkey, loggedOut } = await bound(world, new Keys());
  world.fault('/refresh', problem('invalid_dpop_proof'), problem('invalid_dpop_proof'));
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
  assert.equal(world.sent.filter(({ path }) => path === '/refresh').length, 3, 'the third comes after the back-off');
  assert.equal(world.time.slept.length, 1);
  world.outage = ({ path }) => (path === '/login' ? problem('invalid_dpop_proof') : null);
  const before = world.sent.length;
  const refused = await world.time.until(latchkey.login({ username: 'demo', password: 'correct-horse-battery-staple' })).catch((error: unknown) => error);
  assert.ok(refused instanceof Refused && refused.problem === 'invalid_dpop_proof');
  assert.equal(world.sent.length, before + 2);
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok', 'the login that was there goes on');
  assert.deepEqual(loggedOut, []);
});

test('a clock that is set while the client runs costs one proof', async () => {
  const world = new World({ binds: true });
  const { latchkey } = await bound(world, new Keys());
  for (const hours of [5, -5]) {
    world.time.wrong = hours * 3_600_000;
    assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
    assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
  }
  assert.deepEqual(world.refreshes.map(({ status }) => status), [400, 200, 200, 400, 200, 200]);
});

test('a login whose key is lost is over, and says why', async () => {
  for (const other of [null, await newKey()]) {
    const world = new World({ binds: true });
    const keys = new Keys();
    const { latchkey, loggedOut } = await bound(world, keys);
    keys.key = other;
    assert.equal(await outcome(world.time.until(latchkey.refresh())), 'LoggedOut');
    await world.time.quiet();
    assert.deepEqual(loggedOut, ['key']);
    assert.equal(world.refreshes.length, 0, 'nothing was sent');
    assert.equal(await latchkey.session(), null);
    await world.time.until(latchkey.login({ username: 'demo', password: 'correct-horse-battery-staple' }));
    assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
  }
});

test('a changed password goes on with a login that is bound to the same key', async () => {
  const world = new World({ binds: true });
  const keys = new Keys();
  const { latchkey, storage, loggedOut } = await bound(world, keys);
  const stored = async (): Promise<{ login_id: string; dpop_jkt?: string }> => JSON.parse((await storage.get('latchkey'))!);
  const before = await stored();
  await world.time.until(latchkey.changePassword({ username: 'demo', currentPassword: 'correct-horse-battery-staple', newPassword: 'violin gravel postcode heron' }));
  const after = await stored();
  assert.notEqual(after.login_id, before.login_id);
  assert.equal(after.dpop_jkt, keys.key!.thumbprint);
  assert.equal(world.service.seen.at(-1)!.proof, null, 'the change itself needs no proof');
  for (let times = 0; times < 2; times += 1) assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
  assert.deepEqual(world.refreshes.map(({ status }) => status), [200, 200]);
  assert.ok(world.refreshes.every(({ proof }) => proof), 'a refresh of the new login came without a proof');
  assert.deepEqual(loggedOut, []);
  // The new login is as bound as the old one was.
  keys.key = null;
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'LoggedOut');
  await world.time.quiet();
  assert.deepEqual(loggedOut, ['key']);
});

test('a key store that fails ends no session', async () => {
  const world = new World({ binds: true });
  const keys = new Keys();
  const { latchkey, loggedOut } = await bound(world, keys);
  keys.fails = true;
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'StorageFailed');
  keys.fails = false;
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
  assert.deepEqual(loggedOut, []);
});

test('a service that binds nothing gets no proof at a refresh, and a bearer login stays one', async () => {
  const world = new World();
  const keys = new Keys();
  const { latchkey, storage } = await bound(world, keys);
  assert.equal(JSON.parse((await storage.get('latchkey'))!).dpop_jkt, undefined);
  keys.key = null;
  assert.equal(await outcome(world.time.until(latchkey.refresh())), 'ok');
  assert.deepEqual(world.refreshes.map(({ proof }) => proof), [null]);
});

/** As much of IndexedDB as `webKeys` uses: databases by name, one store, keys that are cloned, not copied. */
function indexedDatabases(): { open(name: string): object } {
  const databases = new Map<string, Map<string, unknown>>();
  const request = (work: () => unknown): Record<string, unknown> => {
    const made: Record<string, unknown> = {};
    setImmediate(() => {
      try {
        made['result'] = work();
        (made['onsuccess'] as () => void)();
      } catch (error) {
        made['error'] = error;
        (made['onerror'] as () => void)();
      }
    });
    return made;
  };
  return {
    open(name) {
      const opening = request(() => {
        if (!databases.has(name)) databases.set(name, new Map());
        const kept = databases.get(name)!;
        const store = {
          get: (key: string) => request(() => kept.get(key)),
          add: (value: unknown, key: string) =>
            request(() => {
              if (kept.has(key)) throw new DOMException('there is one', 'ConstraintError');
              kept.set(key, value);
            }),
        };
        const database = { createObjectStore: () => store, transaction: () => ({ objectStore: () => store }), close: () => {} };
        opening['result'] = database;
        (opening['onupgradeneeded'] as () => void)();
        return database;
      });
      return opening;
    },
  };
}

test('a browser’s tabs share one key, and no script can copy it', async () => {
  const extractable: boolean[] = [];
  const generate = crypto.subtle.generateKey.bind(crypto.subtle);
  crypto.subtle.generateKey = (async (...input: Parameters<typeof generate>) => {
    const pair = (await generate(...input)) as CryptoKeyPair;
    extractable.push(pair.privateKey.extractable);
    return pair;
  }) as typeof generate;
  Object.assign(globalThis, { indexedDB: indexedDatabases() });
  try {
    assert.equal(await webKeys().get(), null);
    const [one, other] = await Promise.all([webKeys().make(), webKeys().make()]);
    assert.equal(one.thumbprint, other.thumbprint);
    assert.equal((await webKeys().get())!.thumbprint, one.thumbprint);
    assert.notEqual((await webKeys('another').make()).thumbprint, one.thumbprint);
    assert.ok(extractable.every((is) => !is));
    const world = new World({ binds: true });
    const { latchkey } = await world.loggedIn({ proofs: dpop(webKeys()), storage: memoryStorage() });
    const refreshed = latchkey.refresh();
    assert.equal(await outcome(refreshed), 'ok');
    assert.equal(JSON.parse(Buffer.from(world.refreshes[0]!.proof!.split('.')[0]!, 'base64url').toString()).alg, 'ES256');
  } finally {
    crypto.subtle.generateKey = generate;
  }
});
