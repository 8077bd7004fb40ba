import { addressesOf, type Addresses } from './addresses.js';
import { isVerdict, later, pairIn, problemCode, type Answer } from './answer.js';
import { callOf, isOneShot, type Call } from './calls.js';
import { LoggedOut, Refused, StorageFailed, Unavailable } from './errors.js';
import { randomName } from './keys.js';
import { locked, locksFor, type Lock } from './locks.js';
import type { CallOptions, Credentials, DeviceSession, LogOutReason, Options, PasswordChange, SessionEvent, SessionInfo } from './options.js';
import { Refreshing, sessionOf, type Patience } from './refreshing.js';
import { requestsTo, within, type Fetch, type Request as Asking, type Requests } from './requests.js';
import { age, freshness, parse, type Session } from './session.js';
import { hear } from './tabs.js';
import { systemTiming, type Timing } from './timing.js';
import { Vault } from './vault.js';

const JSON_BODY = { 'Content-Type': 'application/json' };

/** Keeps one login: logs in, sends requests with a token that is good, refreshes, logs out. */
export class Latchkey {
  readonly #options: Options;
  readonly #timing: Timing;
  readonly #fetch: Fetch;
  readonly #vault: Vault;
  readonly #send: Requests;
  readonly #refreshing: Refreshing;
  readonly #key: string;
  readonly #addresses: Addresses;
  readonly #listeners = new Set<(reason: LogOutReason) => void>();
  readonly #watchers = new Set<(event: SessionEvent) => void>();
  #current: SessionInfo | null | undefined;
  #stopHearing: (() => void) | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#timing = options.timing ?? systemTiming;
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#key = options.key ?? 'latchkey';
    this.#addresses = addressesOf(options.baseUrl, options.apis ?? [], options.allowHttp ?? false);
    const locks = options.locks ?? locksFor(options.storage);
    const replayWindow = options.replayWindow ?? 30_000;
    const timeout = options.attemptTimeout ?? (replayWindow > 0 ? Math.min(10_000, replayWindow / 3) : 10_000);
    // A token that arrives later looks stolen.
    if (replayWindow > 0 && timeout > replayWindow / 2) {
      throw new TypeError('attemptTimeout is at most half of replayWindow');
    }
    const send = requestsTo(this.#addresses.base, this.#fetch, this.#timing, timeout, options.onEvent);
    this.#send = options.proofs?.(send, this.#addresses.base, this.#timing) ?? send;
    const lock = (name: string, patience: number): Lock => (work) => locked(locks, `${this.#key} ${name}`, patience, this.#timing, work);
    this.#vault = new Vault({
      storage: options.storage,
      key: this.#key,
      // A change takes milliseconds; who holds the lock for longer is asleep.
      lock: lock('store', 2_000),
      gone: () => this.#tell('elsewhere'),
      changed: (now, before) => this.#changed(now, before),
    });
    this.#refreshing = new Refreshing({
      vault: this.#vault,
      send: this.#send,
      // An attempt of another tab may take so long. Then this one goes ahead without the lock.
      lock: lock('refresh', timeout + 1_000),
      replayWindow,
      timing: this.#timing,
      over: (reason) => this.#tell(reason),
    });
  }

  /** Logs in, and stores the pair. Fails with Refused, whose `problem` says why, or with Unavailable; neither is repeated here. */
  async login(credentials: Credentials, options: CallOptions = {}): Promise<SessionInfo> {
    const { username, password, device } = credentials;
    // Drawn first: without randomness or storage nothing should have been begun at the service.
    const secret = randomName();
    const device_id = await this.#deviceId();
    const body = JSON.stringify({ username, password, device, device_id });
    const answer = await this.#ask({ kind: 'login', headers: JSON_BODY, body }, options);
    const pair = pairIn(answer);
    if (!pair) throw this.#failure(answer);
    const session = await sessionOf(pair, null, secret, this.#timing.now(), answer);
    try {
      await this.#vault.begin(session);
    } catch (error) {
      // What can't be stored can't be used: the login would stay in the device list for good.
      await this.#send({ kind: 'logout', token: session.refresh_token }).catch(() => {});
      throw error;
    }
    return info(session);
  }

  /**
   * Changes the user's password. Every login of the user ends; this device goes on with a new one, which is stored. Fails with Refused,
   * whose `problem` says why (`invalid_credentials`, `weak_password`), or with LoggedOut. After Unavailable the password may have been
   * changed: if this session is over then, the user logs in with the new password, or the old one.
   */
  async changePassword(change: PasswordChange, options: CallOptions = {}): Promise<SessionInfo> {
    const secret = randomName();
    const { username, currentPassword: current_password, newPassword: new_password } = change;
    const body = JSON.stringify({ username, current_password, new_password });
    const answer = await this.#askAs({ kind: 'me/password', method: 'PUT', headers: JSON_BODY, body }, options, isVerdict);
    const pair = pairIn(answer);
    if (!pair) throw this.#failure(answer);
    const session = await sessionOf(pair, null, secret, this.#timing.now(), answer);
    await this.#vault.begin(session);
    return info(session);
  }

  /** The stored session, or null. Asks the storage, not the service. */
  async session(): Promise<SessionInfo | null> {
    const session = await this.#vault.read();
    return session && info(session);
  }

  /**
   * `fetch` with the access token, refreshed before where it is due. Where the API refuses the token, the call is repeated once
   * with a newer one. `input` is an address of `baseUrl` or of `apis`, or a path below `baseUrl`. The answer is the API's, whatever
   * its status. Fails with LoggedOut, with Unavailable where no good token was to be had in time, or as `fetch` does. It is bound:
   * hand it to a library that takes a `fetch`.
   */
  readonly fetch = async (input: string | URL | Request, init: RequestInit & CallOptions = {}): Promise<Response> => {
    const { timeout, ...rest } = init;
    const call = await callOf(this.#addresses, input, rest);
    const patience = this.#patience({ signal: call.init.signal, timeout });
    const session = await this.#usable(patience);
    const response = await this.#call(call, timeout, session, patience);
    if (!(this.#options.isRefusal ?? is401)(response)) return response;
    if (await this.#isTheApisOwn(response, session)) return response;
    const newer = await this.#refreshed(session, patience);
    // Not repeated in the name of somebody else who has logged in meanwhile, nor with a body that is used up.
    if (newer.login_id !== session.login_id || isOneShot(call.init.body)) return response;
    await response.body?.cancel?.().catch(() => {});
    return this.#call(call, timeout, newer, patience);
  };

  /** An access token that is good now, for what isn't sent by `fetch`: a WebSocket, for example. Don't keep it. */
  async accessToken(options: CallOptions = {}): Promise<string> {
    return (await this.#usable(this.#patience(options))).access_token;
  }

  /** Refreshes now, or gets the pair that another tab has got since. */
  async refresh(options: CallOptions = {}): Promise<SessionInfo> {
    const session = await this.#vault.read();
    if (!session) throw new LoggedOut();
    return info(await this.#refreshed(session, this.#patience(options)));
  }

  /**
   * Ends the login at the service, then forgets it. Where the service can't be reached it fails with Unavailable and the session
   * stays: call it again later, or `forget()`. Without a session it does nothing.
   */
  async logout(options: CallOptions = {}): Promise<void> {
    for (;;) {
      const session = await this.#vault.read();
      if (!session) return;
      const answer = await this.#ask({ kind: 'logout', token: session.refresh_token }, options);
      if (answer.status !== 204 && !isVerdict(answer)) throw new Unavailable(later(answer, this.#timing.now()));
      if (await this.#vault.forget(session.refresh_token)) return this.#tell('logout');
      // Refreshed while it was ended: the pair that came is dead too. Only of another login must it be left alone.
      if ((await this.#vault.read())?.login_id !== session.login_id) return;
    }
  }

  /** Forgets the session on this device only. The login lives on at the service until it expires or is ended from the device list. */
  async forget(): Promise<void> {
    const had = await this.#vault.read().catch((error: unknown) => error instanceof StorageFailed);
    await this.#vault.clear();
    if (had) this.#tell('logout');
  }

  /** A page of the user's logins, newest first. `after` is the `next` of the page before. */
  async sessions(
    options: CallOptions & { limit?: number; after?: string } = {},
  ): Promise<{ sessions: DeviceSession[]; next: string | null }> {
    const { limit, after } = options;
    const query = [limit && `limit=${limit}`, after && `after=${encodeURIComponent(after)}`].filter(Boolean).join('&');
    const answer = await this.#askAs({ kind: 'sessions', method: 'GET', rest: query && `?${query}` }, options);
    const page = answer.status === 200 && parse(answer.text);
    if (!page || !Array.isArray(page['sessions'])) throw this.#failure(answer);
    return page as never;
  }

  /** Ends one login of the user's. One that is ended already is fine. */
  async endSession(loginId: string, options: CallOptions = {}): Promise<void> {
    // Checked here: an empty id would ask for the end of all logins, and `.` for the same once the address is parsed.
    if (!LOGIN_ID.test(loginId)) throw new TypeError('not a login id');
    const answer = await this.#askAs({ kind: 'sessions', method: 'DELETE', rest: `/${loginId}` }, options);
    if (answer.status !== 204 && problemCode(answer) !== 'not_found') throw this.#failure(answer);
    await this.#forgetIf((session) => session.login_id === loginId);
  }

  /** Ends all logins of the user, or all but this one. */
  async endSessions(options: CallOptions & { keepCurrent?: boolean } = {}): Promise<void> {
    const before = await this.#vault.read();
    const answer = await this.#askAs({ kind: 'sessions', method: 'DELETE', rest: options.keepCurrent ? '?keep=current' : '' }, options);
    if (answer.status !== 204) throw this.#failure(answer);
    if (!options.keepCurrent) await this.#forgetIf((session) => session.login_id === before?.login_id);
  }

  /** Calls back when the session is over. Nothing else means logged out. Gives what takes the callback away. */
  onLoggedOut(listener: (reason: LogOutReason) => void): () => void {
    return this.#listen(this.#listeners, listener);
  }

  /**
   * Calls back when a session begins, is refreshed or is over, here or in another tab; first with what is stored, as soon as that has
   * been read. Gives what takes the callback away.
   */
  readonly subscribe = (listener: (event: SessionEvent) => void): (() => void) => {
    const stop = this.#listen(this.#watchers, listener);
    if (this.#current === undefined) this.#look();
    return stop;
  };

  /** The session as it was last seen, without asking the storage; null where there was none, undefined until it has been read. */
  get current(): SessionInfo | null | undefined {
    return this.#current;
  }

  #listen<T>(listeners: Set<T>, listener: T): () => void {
    listeners.add(listener);
    this.#stopHearing ??= hear(this.#options.storage, this.#key, () => this.#look());
    return () => {
      listeners.delete(listener);
      if (this.#listeners.size + this.#watchers.size > 0) return;
      this.#stopHearing?.();
      this.#stopHearing = null;
    };
  }

  /** Reads the storage for its news. One that can't be read has none; the next call says so. */
  #look(): void {
    void this.#vault.read().catch(() => {});
  }

  #changed(now: Session | null, before: Session | null | undefined): void {
    const type = !now ? 'out' : before?.login_id === now.login_id ? 'refreshed' : 'in';
    this.#current = now && info(now);
    for (const watcher of this.#watchers) void Promise.resolve({ type, session: this.#current } as const).then(watcher);
  }

  #tell(reason: LogOutReason): void {
    // Each in a turn of its own: what a listener throws is the app's, and stops nothing here.
    for (const listener of this.#listeners) void Promise.resolve(reason).then(listener);
  }

  async #forgetIf(over: (session: Session) => boolean): Promise<void> {
    const session = await this.#vault.read();
    if (session && over(session) && (await this.#vault.forget(session.refresh_token))) this.#tell('logout');
  }

  #patience({ signal, timeout }: CallOptions): Patience {
    const milliseconds = Math.min(this.#options.patience ?? 20_000, timeout ?? Infinity);
    return { deadline: this.#timing.elapsed() + milliseconds, signal };
  }

  /** A session whose access token is good. One that is merely due is used as it is where a refresh doesn't work out at once. */
  async #usable(patience: Patience): Promise<Session> {
    const session = await this.#vault.read();
    if (!session) throw new LoggedOut();
    const state = freshness(session, this.#timing.now(), this.#options.refreshEarly ?? 30_000);
    if (state === 'fresh') return session;
    return this.#refreshed(session, { ...patience, early: state === 'due' }).catch((error: unknown) => {
      if (state === 'due' && error instanceof Unavailable) return session;
      throw error;
    });
  }

  /**
   * The session after `session`, with an access token that hasn't expired. A recovered pair may be hours old: its answer was lost,
   * and nothing was asked since. It is stored like any other, and refreshed before a call goes. Twice at most: after that the
   * device's clock is the likelier explanation, and the API's word counts.
   */
  async #refreshed(session: Session, patience: Patience): Promise<Session> {
    let newer = await this.#refreshing.after(session, patience);
    for (let times = 1; times < 3 && freshness(newer, this.#timing.now(), 0) === 'expired'; times += 1) {
      newer = await this.#refreshing.after(newer, { ...patience, early: false });
    }
    return newer;
  }

  /** Whether a 401 is about something else than the token: a new token was good a moment ago, and nothing says that it was refused. */
  async #isTheApisOwn(response: Response, session: Session): Promise<boolean> {
    if (this.#options.isRefusal) return false;
    const since = age(session, this.#timing.now());
    if (challenge(response).includes('error="invalid_token"') || since < 0 || since >= YOUNG) return false;
    return (await this.#vault.read())?.access_token === session.access_token;
  }

  async #call({ url, init }: Call, timeout: number | undefined, session: Session, { deadline, signal }: Patience): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${session.access_token}`);
    const most = timeout === undefined ? Infinity : deadline;
    return within(this.#timing, most, signal, (bounded) => this.#fetch(url, { ...init, signal: bounded, headers }));
  }

  #ask(request: Asking, { signal, timeout }: CallOptions): Promise<Answer> {
    return within(this.#timing, this.#timing.elapsed() + (timeout ?? Infinity), signal, (bounded) => this.#send(request, bounded));
  }

  /** A request to Latchkey with the access token, as `fetch` does it for an API. `refused` says which answers are about the token. */
  async #askAs(request: Asking, options: CallOptions, refused = (answer: Answer): boolean => answer.status === 401): Promise<Answer> {
    const patience = this.#patience(options);
    const session = await this.#usable(patience);
    const answer = await this.#ask({ ...request, token: session.access_token }, options);
    if (!refused(answer)) return answer;
    const newer = await this.#refreshed(session, patience);
    if (newer.login_id !== session.login_id) throw new LoggedOut();
    return this.#ask({ ...request, attempt: 2, token: newer.access_token }, options);
  }

  /** What an answer that isn't what was asked for is thrown as. */
  #failure(answer: Answer): Refused | Unavailable {
    const problem = problemCode(answer);
    if (problem === null || answer.status >= 500 || answer.status === 429) return new Unavailable(later(answer, this.#timing.now()));
    return new Refused(answer.status, problem, answer.headers.get('x-amzn-RequestId'));
  }

  /**
   * Chosen once for an installation: a login whose answer was lost is then replaced by the next, and leaves no ghost. One that can't be
   * read is drawn anew: a keystore that lost its key after a restore never reads it again, and nobody could log in on that phone.
   * Where it can't be stored the login goes without.
   */
  async #deviceId(): Promise<string | undefined> {
    const key = `${this.#key}.device`;
    const { storage } = this.#options;
    const drawn = randomName();
    try {
      const stored = await storage.get(key);
      if (stored && /^[A-Za-z0-9_-]{16,64}$/.test(stored)) return stored;
    } catch {
      // Written over.
    }
    try {
      await storage.set(key, drawn);
      return drawn;
    } catch {
      return undefined;
    }
  }
}

const LOGIN_ID = /^[A-Za-z0-9_-]{22}$/;

// Milliseconds for which a 401 costs no refresh, unless it says that the token was refused.
const YOUNG = 10_000;
// An API that wants the user to authenticate again (RFC 9470) refuses no token: a refresh wouldn't help, and the login goes on.
const is401 = (response: Response): boolean => response.status === 401 && !challenge(response).includes('insufficient_user_authentication');
const challenge = ({ headers }: Response): string => `${headers.get('WWW-Authenticate')} ${headers.get('x-amzn-Remapped-WWW-Authenticate')}`;

function info(session: Session): SessionInfo {
  return {
    userId: session.user_id,
    loginId: session.login_id,
    accessTokenExpiresAt: session.access_token_expires_at,
    refreshTokenExpiresAt: session.refresh_token_expires_at,
  };
}
