import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyFor } from '../src/keys.js';
import { clockOffset, decode, freshness, isNewer, type Session } from '../src/session.js';
import { backoff, pauseAfter, type Failure } from '../src/pacing.js';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const SESSION: Session = {
  version: 1,
  access_token: `lka_${'x'.repeat(252)}`,
  access_token_expires_at: new Date(NOW + 300_000).toISOString(),
  refresh_token: `lkr_${'x'.repeat(252)}`,
  refresh_token_expires_at: new Date(NOW + 86_400_000).toISOString(),
  user_id: 'user',
  login_id: 'login',
  generation: 3,
  idempotency_key: 'key',
  key_secret: 'secret',
  received_at: NOW,
  clock_offset: 0,
};

test('a session survives the storage; anything else is none', () => {
  assert.deepEqual(decode(JSON.stringify(SESSION)), SESSION);
  for (const text of ['', 'null', '[]', '"lkr_"', '{"version":1}', JSON.stringify(SESSION).slice(1)]) assert.equal(decode(text), null);
  for (const member of Object.keys(SESSION)) {
    const { [member as 'version']: _, ...rest } = SESSION;
    assert.equal(decode(JSON.stringify(rest)), null, member);
  }
  assert.equal(decode(JSON.stringify({ ...SESSION, version: 2 })), null);
});

test('newer is a higher generation of the same login, whatever the dates say', () => {
  const next = { ...SESSION, generation: 4, access_token_expires_at: new Date(NOW).toISOString() };
  assert.ok(isNewer(next, SESSION));
  assert.ok(!isNewer(SESSION, next));
  assert.ok(!isNewer(SESSION, SESSION));
  assert.ok(!isNewer({ ...next, login_id: 'other' }, SESSION));
});

test('due in the last 30 seconds, and not before three quarters of a short life', () => {
  const at = (milliseconds: number, session = SESSION): string => freshness(session, NOW + milliseconds, 30_000);
  assert.equal(at(0), 'fresh');
  assert.equal(at(269_999), 'fresh');
  assert.equal(at(270_000), 'due');
  assert.equal(at(299_999), 'due');
  assert.equal(at(300_000), 'expired');
  const short = { ...SESSION, access_token_expires_at: new Date(NOW + 60_000).toISOString() };
  assert.equal(at(44_999, short), 'fresh');
  assert.equal(at(45_000, short), 'due');
});

test('expiry goes by the server’s clock', () => {
  const day = 86_400_000;
  // The device is a day ahead, then a day behind.
  for (const wrong of [day, -day]) {
    const offset = clockOffset(NOW + wrong, new Date(NOW).toUTCString(), SESSION, null);
    const session = { ...SESSION, clock_offset: offset };
    assert.equal(freshness(session, NOW + wrong, 30_000), 'fresh');
    assert.equal(freshness(session, NOW + wrong + 300_000, 30_000), 'expired');
  }
});

test('without a Date a new token isn’t expired', () => {
  assert.equal(clockOffset(NOW, null, SESSION, null), 0);
  const offset = clockOffset(NOW + 86_400_000, null, SESSION, null);
  const session = { ...SESSION, clock_offset: offset, received_at: NOW + 86_400_000 + offset };
  assert.equal(freshness(session, NOW + 86_400_000, 30_000), 'fresh');
  assert.equal(freshness(session, NOW + 86_400_000 + 60_000, 30_000), 'expired');
});

test('without a Date an expired token is taken for a recovered one first, and for a wrong clock then', () => {
  const later = NOW + 86_400_000;
  const before = { ...SESSION, clock_offset: 7 };
  assert.equal(clockOffset(later, null, SESSION, before), 7);
  const recovered = { ...SESSION, received_at: later, clock_offset: 0 };
  const offset = clockOffset(later, null, SESSION, recovered);
  assert.ok(later + offset < Date.parse(SESSION.access_token_expires_at));
});

test('keys: the same for one token in every tab, another for each token, not to be told without the secret', async () => {
  const key = await keyFor('token-1', 'secret');
  assert.match(key, /^[0-9a-f]{64}$/);
  assert.equal(await keyFor('token-1', 'secret'), key);
  assert.notEqual(await keyFor('token-2', 'secret'), key);
  assert.notEqual(await keyFor('token-1', 'other'), key);
});

test('pauses: quick where no answer came, few attempts where the service is in trouble, a minute at most in the end', () => {
  const failure = (more: Partial<Failure>): Failure => ({ reason: 'answer', status: 503, attempt: 1, took: 0, since: 0, ...more });
  const pause = (more: Partial<Failure>, random = 0.5): number => pauseAfter(failure(more), 30_000, random);
  assert.equal(pause({ reason: 'network', attempt: 1 }, 1), 250);
  assert.equal(pause({ status: 200, attempt: 9 }, 1), 4_000, 'a portal');
  for (const took of [0, 3_000]) {
    assert.equal(took + pause({ took }, 0), Math.max(3_000, took + 125));
    assert.equal(took + pause({ took, attempt: 2 }, 0), 8_600);
    assert.equal(took + pause({ took, attempt: 2 }, 1), 9_600);
  }
  assert.equal(pause({ retryAfter: 30 }), 30_000);
  assert.equal(pause({ since: 31_000, attempt: 9 }, 0), 1_000);
  assert.equal(pause({ since: 3_600_000, attempt: 9 }, 1), 60_000);
  assert.equal(pause({ since: 3_600_000, reason: 'network', attempt: 9 }, 1), 15_000);
  assert.equal(pause({ since: 3_600_000, reason: 'storage', attempt: 9 }, 1), 4_000);
});

test('back-off doubles up to its most, in the upper half', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 99].map((failures) => backoff(failures, 1)), [250, 500, 1000, 2000, 4000, 4000, 4000]);
  assert.deepEqual([1, 2, 3].map((failures) => backoff(failures, 0)), [125, 250, 500]);
});
