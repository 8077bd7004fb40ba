// Binds logins to a key that never leaves the device (DPoP, RFC 9449). An entry of its own: an app that doesn't import it doesn't pay for it.
import { problemCode, type Answer } from './answer.js';
import { StorageFailed } from './errors.js';
import { randomName } from './keys.js';
import type { Proofs, Request, Requests } from './requests.js';
import type { Timing } from './timing.js';

/** A key that can sign. It has no way to give its private part away. */
export interface DeviceKey {
  readonly alg: 'ES256' | 'Ed25519' | 'EdDSA';
  /** The public key: `kty`, `crv`, `x`, and `y` of a P-256 key. */
  readonly jwk: Readonly<Record<string, string>>;
  /** The RFC 7638 thumbprint of the public key, 43 characters. */
  readonly thumbprint: string;
  /** The signature: 64 bytes, R and S for ES256 (not DER). */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Where the device keeps its key. */
export interface DeviceKeys {
  /** The key, or null where there is none. */
  get(): Promise<DeviceKey | null>;
  /** The key; a new one where there is none. Two tabs that ask at once get the same one. */
  make(): Promise<DeviceKey>;
}

/** What the service would answer, without asking it: there it would look like a theft. */
const KEY_LOST: Answer = {
  status: 401,
  headers: { get: (name) => (name === 'Content-Type' ? 'application/problem+json' : null) },
  text: '{"code":"invalid_token"}',
  over: 'key',
};

/** For `Options.proofs`: signs a new proof for each login, and for each refresh of a login that is bound. */
export function dpop(keys: DeviceKeys): Proofs {
  return (send: Requests, baseUrl: string, timing: Timing): Requests => {
    // What to add to the device's clock: from the newest answer that had a Date.
    let offset = 0;
    const proved = async (request: Request, key: DeviceKey, signal?: AbortSignal | null) => {
      const url = `${baseUrl}/${request.kind}`;
      const proof = await kept(proofOf(key, url, Math.floor((timing.now() + offset) / 1000)));
      const answer = await send({ ...request, headers: { ...request.headers, DPoP: proof } }, signal);
      const date = Date.parse(answer.headers.get('Date') ?? '');
      if (!isNaN(date)) offset = date - timing.now();
      return answer;
    };
    return async (request, signal) => {
      const binds = request.kind === 'login';
      if (!binds && !request.dpop_jkt) return send(request, signal);
      const key = await kept(binds ? keys.make() : keys.get());
      if (!key || (!binds && key.thumbprint !== request.dpop_jkt)) return KEY_LOST;
      const answer = await proved(request, key, signal);
      // Once: the clock was wrong, or an HTTP layer below has sent the first proof twice. After a second one in a row it is neither.
      return problemCode(answer) === 'invalid_dpop_proof' ? proved(request, key, signal) : answer;
    };
  };
}

/** A key store that fails is no lost key: the session stays. */
async function kept<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch {
    throw new StorageFailed("the device's key can't be used");
  }
}

async function proofOf(key: DeviceKey, url: string, iat: number): Promise<string> {
  const text = new TextEncoder();
  const header = { typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk };
  const claims = { jti: randomName(), htm: 'POST', htu: url, iat };
  const signed = [header, claims].map((part) => base64url(text.encode(JSON.stringify(part)))).join('.');
  return `${signed}.${base64url(await key.sign(text.encode(signed)))}`;
}

export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (character) => ({ '+': '-', '/': '_' })[character] ?? '');
}

/** What RFC 7638 hashes: the required members, in the order of their names. */
export function thumbprintText({ crv, kty, x, y }: DeviceKey['jwk']): string {
  return JSON.stringify(y === undefined ? { crv, kty, x } : { crv, kty, x, y });
}

/**
 * A key of WebCrypto in IndexedDB: P-256, and not extractable, so that no script can copy it. All tabs of the origin share it. `name` is
 * the database's; another one for each service.
 */
export function webKeys(name = 'latchkey-key'): DeviceKeys {
  const open = (): Promise<IDBDatabase> => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => void opening.result.createObjectStore('keys');
    return settled(opening);
  };
  const stored = async (mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<unknown> => {
    const database = await open();
    try {
      return await settled(work(database.transaction('keys', mode).objectStore('keys')));
    } finally {
      database.close();
    }
  };
  const get = async (): Promise<DeviceKey | null> => {
    const pair = (await stored('readonly', (store) => store.get('key'))) as CryptoKeyPair | undefined;
    return pair ? webKey(pair) : null;
  };
  return {
    get,
    async make() {
      const there = await get();
      if (there) return there;
      const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
      // Added, not put: of two tabs that make one at once the second fails here, and both take the first one's.
      await stored('readwrite', (store) => store.add(pair, 'key')).catch(() => {});
      const now = await get();
      if (!now) throw new Error('the key was not kept');
      return now;
    },
  };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function webKey({ publicKey, privateKey }: CryptoKeyPair): Promise<DeviceKey> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const jwk = { kty: kty!, crv: crv!, x: x!, y: y! };
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(thumbprintText(jwk)));
  return {
    alg: 'ES256',
    jwk,
    thumbprint: base64url(new Uint8Array(hash)),
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytes as BufferSource)),
  };
}
