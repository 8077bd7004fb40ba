// What a caller hands in and gets back.
import type { Locks } from './locks.js';
import type { Fetch, Proofs } from './requests.js';
import type { Storage } from './storage.js';
import type { Timing } from './timing.js';

export interface Options {
  /** Where Latchkey answers: the stack's ApiUrl, or `http://127.0.0.1:3000`. */
  readonly baseUrl: string;
  /** Where the session is kept. */
  readonly storage: Storage;
  /** Its name there; another one for each service. `latchkey` unless set. */
  readonly key?: string;
  /** Permits `http://` to other hosts than this machine: while you develop, for `latchkey dev` and a phone. */
  readonly allowHttp?: boolean;
  /** Addresses that `fetch` may send the access token to, beside `baseUrl`: those of your own APIs. */
  readonly apis?: readonly string[];
  /** Milliseconds that a call waits for a usable token before it fails with Unavailable. 20 000 unless set. */
  readonly patience?: number;
  /**
   * Milliseconds for one request to Latchkey: more than the service takes, at most half of `replayWindow`. 10 000, or a third of
   * `replayWindow` where that is less, unless set.
   */
  readonly attemptTimeout?: number;
  /** Milliseconds before its expiry from which an access token is refreshed. 30 000 unless set; never more than a quarter of its life. */
  readonly refreshEarly?: number;
  /** The service's REPLAY_WINDOW in milliseconds. 30 000 unless set. */
  readonly replayWindow?: number;
  /**
   * Whether an answer of an API says that the access token was refused. Status 401 unless set, without the error
   * `insufficient_user_authentication` in `WWW-Authenticate`; in the first 10 s of a token's life only with
   * `error="invalid_token"` there. Set it for an API with 401s of its own, and for one behind API Gateway's HTTP API, which says 403.
   */
  readonly isRefusal?: (response: Response) => boolean;
  readonly fetch?: Fetch;
  /** Binds logins to a key of this device, where the service does: `dpop(webKeys())` of `latchkey-client/dpop`. */
  readonly proofs?: Proofs;
  /** Told of each request to Latchkey, for your metrics. It gets no token, no password and no id. */
  readonly onEvent?: (event: ClientEvent) => void;
  /** Locks that reach as far as the storage does. Web Locks between a browser's tabs unless set; processes don't exclude each other. */
  readonly locks?: Locks;
  /** For tests. */
  readonly timing?: Timing;
}

export interface CallOptions {
  readonly signal?: AbortSignal | null | undefined;
  /** Milliseconds for the whole call; then it fails with Unavailable. */
  readonly timeout?: number | undefined;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** A name of the device, for people. */
  readonly device?: string;
}

export interface PasswordChange {
  /** The name that the user logs in by. */
  readonly username: string;
  readonly currentPassword: string;
  readonly newPassword: string;
}

/** A request to Latchkey that is over. */
export interface ClientEvent {
  readonly kind: 'login' | 'refresh' | 'logout' | 'sessions' | 'me/password';
  /** The answer's status, or why there was none. */
  readonly status?: number;
  readonly reason?: 'network' | 'timeout';
  /** How often this was tried, with this one. */
  readonly attempt: number;
  readonly milliseconds: number;
}

/** What has become of the session. */
export interface SessionEvent {
  /** `in`: there is a session now. `refreshed`: the same login has a new pair. `out`: there is no session. */
  readonly type: 'in' | 'refreshed' | 'out';
  readonly session: SessionInfo | null;
}

/** Why there is no session any more: the service ended it, this client logged out, another tab did, or the login's key is gone. */
export type LogOutReason = 'ended' | 'logout' | 'elsewhere' | 'key';

/** What may be known of the session; the tokens stay inside. */
export interface SessionInfo {
  readonly userId: string;
  readonly loginId: string;
  readonly accessTokenExpiresAt: string;
  readonly refreshTokenExpiresAt: string;
}

/** A row of the device list. */
export interface DeviceSession {
  readonly login_id: string;
  readonly current: boolean;
  readonly device: string | null;
  readonly user_agent: string | null;
  readonly ip: string | null;
  readonly logged_in_at: string;
  readonly last_refreshed_at: string;
  readonly expires_at: string;
}
