// What a client that signs must not write: its private key, and proofs, each of which is good once within five minutes.
import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto';

export const showsProof = (text) => /eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}/.test(text);

/**
 * Whether the private key of one of the `proofs` stands in the text: as PEM, or in hexadecimal digits, base64 or base64url, alone or
 * inside of a JWK, PKCS 8 or anything else. Any 32 bytes are tried: they are the key if they yield the public key that the proofs name.
 */
export function showsPrivateKey(text, proofs) {
  if (/PRIVATE KEY/.test(text)) return true;
  const keys = new Map(proofs.map((proof) => JSON.parse(Buffer.from(proof.split('.')[0], 'base64url')).jwk).map((jwk) => [jwk.x, jwk]));
  const found = (bytes) => [...keys.values()].some((jwk) => (jwk.kty === 'EC' ? ofP256(bytes) : ofEd25519(bytes)) === jwk.x);
  return spelled(text).some((bytes) => {
    for (let at = 0; at + 32 <= bytes.length; at += 1) if (found(bytes.subarray(at, at + 32))) return true;
    return false;
  });
}

/** Whatever bytes the text may spell. A run may begin with a letter or three of something else, so base64 is read from each. */
function spelled(text) {
  const hex = text.match(/[0-9a-fA-F]{64,}/g) ?? [];
  const base64 = text.match(/[A-Za-z0-9+/_-]{43,}/g) ?? [];
  return [
    ...hex.flatMap((run) => [0, 1].map((skipped) => Buffer.from(run.slice(skipped), 'hex'))),
    ...base64.flatMap((run) => [0, 1, 2, 3].map((skipped) => Buffer.from(run.slice(skipped), 'base64url'))),
  ];
}

function ofP256(secret) {
  const pair = createECDH('prime256v1');
  try {
    pair.setPrivateKey(secret);
  } catch {
    return null; // Zero, or not below the order of the curve.
  }
  return pair.getPublicKey().subarray(1, 33).toString('base64url');
}

// PKCS 8 of an Ed25519 key, up to its 32 bytes.
const ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

function ofEd25519(secret) {
  const key = createPrivateKey({ key: Buffer.concat([ED25519, secret]), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ format: 'jwk' }).x;
}
