import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeRefresh, retryAfter, type Answer } from '../src/answer.js';
import { page, problem } from './support.js';

const token = (prefix: string): string => prefix + 'x'.repeat(252);
const PAIR = {
  token_type: 'Bearer',
  access_token: token('lka_'),
  access_token_expires_at: '2026-11-24T12:05:00.000Z',
  refresh_token: token('lkr_'),
  refresh_token_expires_at: '2026-12-01T12:00:00.000Z',
  user_id: 'user',
  login_id: 'login',
};
const NOW = Date.parse('2026-11-24T12:00:00Z');

function answer(status: number, headers: Record<string, string>, text: string): Answer {
  return { status, headers: new Headers(headers), text };
}
const kind = (given: Answer): string => {
  const verdict = judgeRefresh(given, 'login', NOW);
  return verdict ? ('reason' in verdict ? 'later' : 'pair') : 'ended';
};
const of = ({ status, headers, body }: ReturnType<typeof page>): Answer => answer(status, headers, body);
const JSON_TYPE = { 'Content-Type': 'application/json' };

test('a pair is a pair, and no more than a pair', () => {
  const verdict = judgeRefresh(answer(200, JSON_TYPE, JSON.stringify({ ...PAIR, later: 1 })), 'login', NOW);
  assert.ok(verdict && 'refresh_token' in verdict && !('later' in verdict) && verdict.refresh_token === PAIR.refresh_token);
  assert.equal(kind(answer(200, { 'Content-Type': 'Application/JSON; charset=utf-8' }, JSON.stringify(PAIR))), 'pair');
});

test('what only looks like a pair is "later"', () => {
  const wrong: [string, object][] = [
    ['another login', { login_id: 'other' }],
    ['no login', { login_id: undefined }],
    ['a token with a line break', { access_token: `${token('lka_')}\r\n` }],
    ['no refresh token', { refresh_token: null }],
    ['no date', { access_token_expires_at: 'soon' }],
  ];
  for (const [name, change] of wrong) assert.equal(kind(answer(200, JSON_TYPE, JSON.stringify({ ...PAIR, ...change }))), 'later', name);
  assert.equal(kind(answer(200, JSON_TYPE, JSON.stringify(PAIR).slice(0, -9))), 'later', 'cut off');
  assert.equal(kind(answer(200, { 'Content-Type': 'text/html' }, JSON.stringify(PAIR))), 'later', 'html');
  assert.equal(kind(answer(500, JSON_TYPE, JSON.stringify(PAIR))), 'later', 'an error');
});

test('one answer alone ends a login', () => {
  assert.equal(kind(of(problem('invalid_token'))), 'ended');
  assert.equal(kind(of(problem('invalid_token', { 'Content-Type': 'application/problem+json; charset=utf-8' }))), 'ended');

  const { body } = problem('invalid_token');
  const later: [string, Answer][] = [
    ['a portal', of(page(401))],
    ['its text in another type', answer(401, JSON_TYPE, body)],
    ['no type', answer(401, {}, body)],
    ['another status', answer(400, { 'Content-Type': 'application/problem+json' }, body)],
    ['another code', of(problem('missing_token'))],
    ['no code', answer(401, { 'Content-Type': 'application/problem+json' }, '{}')],
    ['no object', answer(401, { 'Content-Type': 'application/problem+json' }, 'null')],
    ['no JSON', answer(401, { 'Content-Type': 'application/problem+json' }, body.slice(1))],
    ['a redirect', of(page(302))],
    ['an opaque redirect', answer(0, {}, '')],
    ...([400, 403, 404, 407, 408, 409, 413, 429, 500, 502, 503, 504, 511] as const).map((status): [string, Answer] => [`${status}`, of(page(status))]),
    ...(['superseded', 'throttled', 'internal', 'unavailable', 'invalid_request', 'not_found'] as const).map((code): [string, Answer] => [code, of(problem(code))]),
  ];
  for (const [name, given] of later) assert.equal(kind(given), 'later', name);
});

test('superseded is told from other conflicts', () => {
  const reason = (given: Answer): unknown => (judgeRefresh(given, 'login', NOW) as { reason: string }).reason;
  assert.equal(reason(of(problem('superseded'))), 'superseded');
  assert.equal(reason(of(page(409))), 'answer');
});

test('Retry-After as seconds, as a date, and from strangers', () => {
  const after = (value: string, headers = {}): number | undefined =>
    retryAfter(of(problem('unavailable', { 'Retry-After': value, ...headers })), NOW);
  assert.equal(after('7'), 7);
  assert.equal(after('900'), 900);
  assert.equal(after('99999999'), 86_400);
  assert.equal(after('Tue, 24 Nov 2026 12:00:30 GMT'), 30);
  // By the server's clock, where the answer has it.
  assert.equal(after('Tue, 24 Nov 2026 15:00:30 GMT', { Date: 'Tue, 24 Nov 2026 15:00:00 GMT' }), 30);
  assert.equal(after('Tue, 24 Nov 2026 11:00:00 GMT'), 0);
  for (const value of ['', 'soon', '-1', '1.5']) assert.equal(after(value), undefined, value);
  assert.equal(retryAfter(of(page(503, { 'Retry-After': '3600' })), NOW), 60);
});
