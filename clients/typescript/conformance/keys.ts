// A device's key in a file. Node has no key store, so the private key lies beside the session; a phone's doesn't leave its chip.
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { base64url, thumbprintText, type DeviceKey, type DeviceKeys } from '../src/dpop.js';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' };

export interface FileKeys extends DeviceKeys {
  /** Loses the key, as a restored device does. */
  lose(): Promise<void>;
}

export function fileKeys(directory: string): FileKeys {
  const path = join(directory, 'key.json');
  const get = async (): Promise<DeviceKey | null> => {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    return text === null ? null : keyOf(JSON.parse(text) as JsonWebKey);
  };
  return {
    get,
    async make() {
      const there = await get();
      if (there) return there;
      const { privateKey } = (await crypto.subtle.generateKey(P256, true, ['sign', 'verify'])) as CryptoKeyPair;
      const written = `${path}.${crypto.randomUUID()}`;
      await writeFile(written, JSON.stringify(await crypto.subtle.exportKey('jwk', privateKey)), { mode: 0o600, flush: true });
      // A link, not a rename: where another process has made a key meanwhile, this one fails, and both take that key.
      await link(written, path).catch(() => {});
      await rm(written);
      const kept = await get();
      if (!kept) throw new Error('the key was not kept');
      return kept;
    },
    lose: () => rm(path, { force: true }),
  };
}

async function keyOf(secret: JsonWebKey): Promise<DeviceKey> {
  const privateKey = await crypto.subtle.importKey('jwk', secret, P256, false, ['sign']);
  const jwk = { kty: secret.kty!, crv: secret.crv!, x: secret.x!, y: secret.y! };
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(thumbprintText(jwk)));
  return {
    alg: 'ES256',
    jwk,
    thumbprint: base64url(new Uint8Array(hash)),
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytes as BufferSource)),
  };
}
