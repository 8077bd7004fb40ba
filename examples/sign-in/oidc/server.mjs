// Sign-in by an OpenID provider (authorization code with PKCE), with a login of Latchkey at its end.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import * as oidc from "openid-client";
import { issue } from "./office.mjs";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT = "8082", ORIGIN = `http://127.0.0.1:${PORT}` } = process.env;
// A provider without TLS is good for a laptop only.
const laptop = new URL(ISSUER).hostname === "127.0.0.1" ? { execute: [oidc.allowInsecureRequests] } : {};
const provider = await oidc.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, laptop);
const callback = `${ORIGIN}/callback`;
const COOKIE = "sign_in";

/** Sends the browser to the provider. What the callback must match goes into a cookie of this browser. */
async function begin(response) {
  const expected = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier: oidc.randomPKCECodeVerifier() };
  const url = oidc.buildAuthorizationUrl(provider, {
    redirect_uri: callback,
    scope: "openid",
    state: expected.state,
    nonce: expected.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(expected.verifier),
    code_challenge_method: "S256",
  });
  const value = Buffer.from(JSON.stringify(expected)).toString("base64url");
  const secure = ORIGIN.startsWith("https:") ? "; Secure" : "";
  response.writeHead(302, { location: url.href, "set-cookie": `${COOKIE}=${value}; Path=/callback; HttpOnly; SameSite=Lax; Max-Age=600${secure}` }).end();
}

/** Trades the code for an ID token, and the token's subject for a login. */
async function finish(request, response) {
  const cookie = new RegExp(`(?:^|; )${COOKIE}=([\\w-]+)`).exec(request.headers.cookie ?? "");
  if (!cookie) return answer(response, 400, { error: "this browser began no sign-in" });
  const expected = JSON.parse(Buffer.from(cookie[1], "base64url").toString());
  let claims;
  try {
    const checks = { expectedState: expected.state, expectedNonce: expected.nonce, pkceCodeVerifier: expected.verifier };
    claims = (await oidc.authorizationCodeGrant(provider, new URL(request.url, ORIGIN), checks)).claims();
  } catch (error) {
    // The provider refused, or the browser brings back something else than it was sent away with.
    return answer(response, 401, { error: error.code ?? "the provider's answer is no good" });
  }
  // A subject is unique within its provider only. The hash keeps the id short, and holds both.
  const userId = createHash("sha256").update(JSON.stringify([claims.iss, claims.sub])).digest("base64url");
  // One sign-in, one key: the callback sent twice leaves one login.
  const pair = await issue({ user_id: userId, user_agent: request.headers["user-agent"] }, expected.state);
  answer(response, 200, pair, { "set-cookie": `${COOKIE}=; Path=/callback; Max-Age=0` });
}

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers }).end(JSON.stringify(body));
}

createServer((request, response) => {
  const { pathname } = new URL(request.url, ORIGIN);
  const step = pathname === "/sign-in" ? begin(response) : pathname === "/callback" ? finish(request, response) : answer(response, 404, {});
  Promise.resolve(step).catch((error) => {
    console.error(`no login: ${error.name}`);
    answer(response, 503, { error: "try again" });
  });
}).listen(Number(PORT), "127.0.0.1", () => console.log(`${ORIGIN}/sign-in`));
