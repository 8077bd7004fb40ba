// The rules of Latchkey that a client can notice, in memory, with a clock that tests set. It stands in for the service
// where a test has to choose dates, verdicts and moments; the service itself is asked by the client's fault test.
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';

const TITLES = {
  invalid_request: [400, 'The request is malformed', false],
  invalid_dpop_proof: [400, 'The DPoP proof is invalid', true],
  missing_token: [401, 'A bearer token is required', false],
  invalid_token: [401, 'The token is invalid, expired or revoked', false],
  weak_password: [400, 'The new password is too easy to guess', false],
  invalid_credentials: [401, 'Username or password is wrong', false],
  not_found: [404, 'There is nothing here', false],
  superseded: [409, 'A newer token was issued a moment ago', true],
  throttled: [429, 'Too many attempts', true],
  internal: [500, 'An internal error; it has been logged', false],
  unavailable: [503, 'Temporarily unavailable', true],
};

/** A refusal, as the service words it. */
export function problem(code, headers = {}) {
  const [status, title, retryable] = TITLES[code];
  const body = JSON.stringify({ type: 'about:blank', title, status, code, retryable });
  return { status, headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...headers }, body };
}

// Milliseconds that clocks of the service's own environments may differ by.
const TOLERANCE = 5_000;

const text = (length) => randomBytes(length).toString('base64url').slice(0, length);
const iso = (milliseconds) => new Date(milliseconds).toISOString();

/** What a proof of possession says: the key's thumbprint and the `jti`; null where it isn't good for a POST to `path` at `now`. */
function proved(proof, host, path, now) {
  try {
    const [header, claims, signature] = proof.split('.');
    const read = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
    const { typ, alg, jwk } = read(header);
    const { jti, htm, htu, iat } = read(claims);
    const { kty, crv, x, y } = jwk;
    const url = new URL(htu);
    const key = createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' });
    const signed = Buffer.from(`${header}.${claims}`);
    const good =
      typ === 'dpop+jwt' && jwk.d === undefined && jti && htm === 'POST' && url.pathname.endsWith(path) && (!host || url.host === host) && Math.abs(now / 1000 - iat) <= 300 &&
      verify(alg === 'ES256' ? 'sha256' : null, signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
    const members = y === undefined ? { crv, kty, x } : { crv, kty, x, y };
    return good ? { jti, jkt: createHash('sha256').update(JSON.stringify(members)).digest('base64url') } : null;
  } catch {
    return null;
  }
}

export class Service {
  /** Every request to it, in order: {method, path, token, key, proof, deviceId, status}. Tokens are as they were sent. */
  seen = [];
  #logins = [];
  #user = text(22);
  #password = 'correct-horse-battery-staple';

  /** `binds` binds a login that comes with a proof to its key. `lostAnswer` is `until_first_use` or `window`: until when a refresh whose answer was lost gets the identical pair. */
  constructor({ now = Date.now, accessLife = 300_000, refreshLife = 7 * 86_400_000, replayWindow = 30_000, sendsDate = true, lostAnswer = 'until_first_use', binds = false } = {}) {
    Object.assign(this, { now, accessLife, refreshLife, replayWindow, sendsDate, lostAnswer, binds });
  }

  /** Takes {method, path, headers with lower-case names, body}; gives {status, headers, body}. */
  handle(request) {
    const token = /^Bearer ([A-Za-z0-9_-]+)$/i.exec(request.headers['authorization'] ?? '')?.[1] ?? null;
    const key = request.headers['idempotency-key'] ?? null;
    const { method, path } = request;
    const proof = request.headers['dpop'] ?? null;
    const entry = { method, path, token, key, proof };
    this.seen.push(entry);
    const answer = this.#route(request, token, key, entry);
    entry.status = answer.status;
    return { ...answer, headers: { ...(this.sendsDate ? { Date: new Date(this.now()).toUTCString() } : {}), ...answer.headers } };
  }

  count(path, method = 'POST') {
    return this.seen.filter((entry) => entry.path === path && entry.method === method).length;
  }

  /** Ends every login, as "log out everywhere" on another device does. */
  endAll() {
    for (const login of this.#logins) login.ended = true;
  }

  /** How often the only live login was refreshed. */
  get generation() {
    return this.#logins.findLast((login) => !login.ended)?.pairs.length - 1;
  }

  #route({ method, path, body, headers }, token, key, entry) {
    let possession = null;
    if (this.binds && entry.proof !== null && (path === '/login' || path === '/refresh')) {
      possession = proved(entry.proof, headers['host'], path, this.now());
      if (!possession) return problem('invalid_dpop_proof');
    }
    switch (`${method} ${path}`) {
      case 'POST /login':
        return this.#login(body, entry, possession);
      case 'POST /refresh':
        return this.#refresh(token, key, possession);
      case 'POST /logout': {
        const login = this.#logins.find((login) => login.pairs.some((pair) => pair.refresh === token || pair.access === token));
        if (!token) return problem('missing_token');
        if (login) login.ended = true;
        return { status: 204, headers: { 'Cache-Control': 'no-store' }, body: '' };
      }
      default: {
        const login = this.#logins.find((login) => !login.ended && login.pairs.at(-1).access === token);
        const newest = login?.pairs.at(-1);
        if (!login || this.now() >= newest.accessExpires) {
          return problem('invalid_token', { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
        }
        // The first use of a pair: the client has it, so its predecessor is good for one more window only.
        newest.usedUntil ??= this.now() + this.replayWindow;
        const row = (other) => ({ login_id: other.id, current: other === login });
        const live = this.#logins.filter((other) => !other.ended);
        if (method === 'GET' && path.startsWith('/sessions')) return this.#json({ sessions: live.map(row), next: null });
        if (method === 'DELETE' && path === '/sessions') {
          this.endAll();
          return { status: 204, headers: { 'Cache-Control': 'no-store' }, body: '' };
        }
        if (method === 'PUT' && path === '/me/password') return this.#change(login, body);
        if (path.startsWith('/me')) return this.#json({ user_id: login.user, login_id: login.id });
        return problem('not_found');
      }
    }
  }

  #json(value) {
    return { status: 200, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }, body: JSON.stringify(value) };
  }

  #login(body, entry, possession) {
    let request;
    try {
      request = JSON.parse(body);
    } catch {
      return problem('invalid_request');
    }
    entry.deviceId = request.device_id ?? null;
    if (request.password !== this.#password) return problem('invalid_credentials');
    return this.#begin(possession?.jkt);
  }

  #begin(jkt) {
    const login = { id: text(22), user: this.#user, pairs: [], ended: false, jkt, proofs: new Set() };
    this.#logins.push(login);
    return this.#mint(login, null);
  }

  /** Ends all logins, and begins one that is bound to the key of the login that asked: it needs no proof for that. */
  #change(login, body) {
    const { current_password, new_password } = JSON.parse(body);
    if (current_password !== this.#password) return problem('invalid_credentials');
    if (new_password.length < 12) return problem('weak_password');
    this.#password = new_password;
    this.endAll();
    return this.#begin(login.jkt);
  }

  #mint(login, key) {
    login.pairs.push({
      access: `lka_${text(252)}`,
      refresh: `lkr_${text(252)}`,
      accessExpires: this.now() + this.accessLife,
      refreshExpires: this.now() + this.refreshLife,
      /** Until then the token before this one is answered with this pair, or with 409. */
      replayUntil: this.now() + this.replayWindow,
      /** The same, from its first use; null while it awaits that. */
      usedUntil: null,
      key,
    });
    return this.#pair(login);
  }

  #pair(login) {
    const pair = login.pairs.at(-1);
    return this.#json({
      token_type: 'Bearer',
      access_token: pair.access,
      access_token_expires_at: iso(pair.accessExpires),
      refresh_token: pair.refresh,
      refresh_token_expires_at: iso(pair.refreshExpires),
      user_id: login.user,
      login_id: login.id,
      dpop_jkt: login.jkt,
    });
  }

  #refresh(token, key, possession) {
    if (!token) return problem('missing_token');
    const login = this.#logins.find((login) => login.pairs.some((pair) => pair.refresh === token));
    if (!login || login.ended) return problem('invalid_token');
    if (login.jkt) {
      if (possession?.jkt !== login.jkt) return problem('invalid_token');
      if (login.proofs.has(possession.jti)) return problem('invalid_dpop_proof');
      login.proofs.add(possession.jti);
    }
    const presented = login.pairs.findIndex((pair) => pair.refresh === token);
    const newest = login.pairs.at(-1);
    if (this.now() >= newest.refreshExpires) return problem('invalid_token');
    const now = this.now();
    const next = login.pairs[presented + 1];
    if (next === undefined) {
      // A rotation is a first use too: two requests of one client may recover the pair, and one of them refresh at once.
      newest.usedUntil ??= now + this.replayWindow;
      return this.#mint(login, key);
    }
    const used = this.lostAnswer === 'window' ? next.replayUntil : (next.usedUntil ?? Number.POSITIVE_INFINITY);
    const until = Math.max(next.replayUntil, used);
    if (next === newest && (login.jkt || next.key === key)) {
      if (login.jkt || now < until) return this.#pair(login);
      if (now < until + TOLERANCE) return problem('superseded');
    } else {
      // With another key it is somebody else's request, or a client's from before it knew keys: never longer than the window.
      const most = next === newest ? next.replayUntil : until;
      if (now < most + TOLERANCE) return problem('superseded');
    }
    login.ended = true;
    return problem('invalid_token');
  }
}
