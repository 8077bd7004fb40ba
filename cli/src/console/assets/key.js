// This page's key, for logins that are bound to one (DPoP, RFC 9449). WebCrypto signs with it and gives it to no script, this one included.

const P256 = { name: "ECDSA", namedCurve: "P-256" };

let drawn = null;

/** The page's key. It is in memory like the tokens, so a reload forgets it too. */
const pageKey = () => (drawn ??= crypto.subtle.generateKey(P256, false, ["sign", "verify"]));

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const text = (value) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** A new proof for one POST to this path. The service answers it once. */
export async function proofFor(path) {
  const { publicKey, privateKey } = await pageKey();
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const claims = { jti: crypto.randomUUID(), htm: "POST", htu: `${location.origin}${path}`, iat: Math.floor(Date.now() / 1000) };
  const signed = `${base64url(text(header))}.${base64url(text(claims))}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, text(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}
