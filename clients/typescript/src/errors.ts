// What a call can fail with. No message quotes a token, a password, an answer's text or another error's message: those of
// JSON.parse and of fetch repeat what they were given.

/** Why a call has to wait. */
export type LaterReason =
  /** Nothing came back, or not all of it. */
  | 'network'
  /** Nothing came back in time. */
  | 'timeout'
  /** Something else answered than a pair or a verdict on the token: an outage, a throttle, a captive portal. */
  | 'answer'
  /** Another tab has a newer pair, or is about to. */
  | 'superseded'
  /** The new pair can't be stored, and so not be used. */
  | 'storage';

export abstract class LatchkeyError extends Error {
  constructor(
    override readonly name: string,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** There is no session: nobody has logged in, or the login is over. Show the login screen. */
export class LoggedOut extends LatchkeyError {
  declare readonly code: 'logged_out';
  constructor() {
    super('LoggedOut', 'logged_out', 'there is no session: log in');
  }
}

export interface Later {
  readonly reason: LaterReason;
  /** The status of the answer, where there was one. */
  readonly status?: number | undefined;
  /** Seconds after which it makes sense to try again, where an answer said so. */
  readonly retryAfter?: number | undefined;
}

/** It didn't work out in time, and nothing is decided: the session stays. Try again later. */
export class Unavailable extends LatchkeyError implements Later {
  declare readonly code: 'unavailable';
  readonly reason: LaterReason;
  readonly status: number | undefined;
  readonly retryAfter: number | undefined;
  constructor({ reason, status, retryAfter }: Later) {
    super('Unavailable', 'unavailable', `unavailable (${status ? `${reason}, status ${status}` : reason}): the session stays, try again later`);
    this.reason = reason;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Latchkey has refused a request for good, a login with a wrong password for example. `problem` is its code. */
export class Refused extends LatchkeyError {
  declare readonly code: 'refused';
  constructor(
    readonly status: number,
    /** A code of Latchkey's, `invalid_credentials` for example. */
    readonly problem: string,
    /** The answer's `x-amzn-RequestId`, for a report. */
    readonly requestId: string | null,
  ) {
    super('Refused', 'refused', `refused: ${problem} (status ${status})`);
  }
}

/** The storage failed, or holds something else under this client's key. Whether there is a session isn't known. */
export class StorageFailed extends LatchkeyError {
  declare readonly code: 'storage';
  constructor(message: string) {
    super('StorageFailed', 'storage', message);
  }
}
