// What the conformance script must find in a client's output, and what it must not.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';

const { showsPrivateKey, showsProof } = (await import(new URL('../../../conformance/leaks.js', import.meta.url).href)) as {
  showsPrivateKey: (text: string, proofs: string[]) => boolean;
  showsProof: (text: string) => boolean;
};

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

for (const kind of ['P-256', 'Ed25519'] as const) {
  test(`a private key of ${kind} is found in any of its spellings`, () => {
    const { privateKey } = kind === 'P-256' ? generateKeyPairSync('ec', { namedCurve: kind }) : generateKeyPairSync('ed25519');
    const { d, ...jwk } = privateKey.export({ format: 'jwk' });
    const proof = `${base64url({ typ: 'dpop+jwt', jwk })}.${base64url({ jti: 'a' })}.${'A'.repeat(86)}`;
    const secret = Buffer.from(d!, 'base64url');
    const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
    for (const text of [d!, `{"d":"${d}"}`, `key=${d}`, `x/${d}`, secret.toString('base64'), secret.toString('hex'), secret.toString('hex').toUpperCase(), `0${secret.toString('hex')}`, pkcs8.toString('base64'), privateKey.export({ format: 'pem', type: 'pkcs8' }) as string]) {
      assert.ok(showsPrivateKey(`{"outcome":"failed"} ${text} at file:///srv/app.js\n`, [proof]), text);
    }
    const other = kind === 'P-256' ? generateKeyPairSync('ec', { namedCurve: kind }) : generateKeyPairSync('ed25519');
    for (const text of ['', JSON.stringify(jwk), proof, other.privateKey.export({ format: 'jwk' }).d!]) {
      assert.ok(!showsPrivateKey(`{"outcome":"ok"} ${text}\n`, [proof]), text);
    }
    assert.ok(showsProof(`no answer to ${proof}`) && !showsProof(`no answer to ${proof.slice(0, -80)}`));
  });
}
