// The API as an app would call it, and what this page keeps: logins with their pairs, in memory only.

import { proofFor } from "./key.js";
import { takeApart } from "./token.js";

/** Logins of this page, the oldest first: `{loginId, userId, device, bound, pairs, held}`. `bound`: to this page's key. `held` is the pair an app would have. */
export const logins = [];

let current = null;

export const currentLogin = () => current;

export function setCurrent(login) {
  current = login;
}

/** The newest pair that any answer of this login brought. */
export const newestPair = (login) => login.pairs.at(-1);

/** Calls the API. Null where no answer came. */
export async function call(method, path, { token, body, key, proof } = {}) {
  const headers = { Accept: "application/json, application/problem+json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (proof) headers.DPoP = proof;
  try {
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store", credentials: "omit" });
    const text = await response.text();
    const json = text ? JSON.parse(text) : null;
    return { method, path, status: response.status, code: json?.code, body: json, requestId: response.headers.get("x-amzn-requestid") };
  } catch {
    return null;
  }
}

const pairOf = (body) => ({
  generation: takeApart(body.refresh_token).generation,
  access: body.access_token,
  accessExpires: new Date(body.access_token_expires_at),
  refresh: body.refresh_token,
  refreshExpires: new Date(body.refresh_token_expires_at),
});

export async function logIn(username, password, device, bound) {
  const result = await call("POST", "/login", { body: { username, password, device: device || undefined }, proof: bound && (await proofFor("/login")) });
  if (result?.status === 200) keep(result.body, device);
  return result;
}

/** Keeps a new login, and acts with it. */
function keep(body, device) {
  const pair = pairOf(body);
  current = { loginId: body.login_id, userId: body.user_id, device: device || "no name", bound: body.dpop_jkt !== undefined, pairs: [pair], held: pair };
  logins.push(current);
}

/** What `latchkey dev` signs before it goes to the back office. This page has no AWS credentials, as no page should. */
const SIGNED = "/_console/signed";

/** Calls the back office. `request` is what the back office gets, without the signature. */
export async function office(method, path, body, key) {
  const headers = { "Content-Type": "application/json", ...(key && { "Idempotency-Key": key }) };
  const result = await call(method, `${SIGNED}${path}`, { body, key });
  return { request: { method, path, headers, body }, result: result && { ...result, path } };
}

/** Issues a login as a server does that has authenticated the user itself. */
export async function issue(body, key) {
  const issued = await office("POST", "/admin/logins", body, key);
  if (issued.result?.status === 200) keep(issued.result.body, body.device);
  return issued;
}

/** Refreshes with this pair's token. What comes is kept; `lost` answers are known of, but not held. A `thief` has the token alone. */
export async function refresh(login, pair, { key, lost = false, thief = false } = {}) {
  const result = await call("POST", "/refresh", { token: pair.refresh, key, proof: login.bound && !thief && (await proofFor("/refresh")) });
  const known = [...login.pairs];
  if (result?.status === 200) {
    const next = { ...pairOf(result.body), stolen: thief };
    const same = known.find((each) => each.refresh === next.refresh);
    if (!same) login.pairs.push(next);
    login.pairs.sort((a, b) => a.generation - b.generation);
    // Only a newer pair replaces the one that is held.
    if (!lost && next.generation > login.held.generation) login.held = same ?? next;
  }
  return { result, known };
}

export const me = (pair) => call("GET", "/me", { token: pair.access });

export const logOut = (pair) => call("POST", "/logout", { token: pair.refresh });

export const logOutEverywhere = (pair, keepCurrent) => call("DELETE", keepCurrent ? "/sessions?keep=current" : "/sessions", { token: pair.access });

/** All pages of the device list, or the answer that refused it. */
export async function devices(pair) {
  const rows = [];
  let path = "/sessions";
  for (;;) {
    const result = await call("GET", path, { token: pair.access });
    if (result?.status !== 200) return { result };
    rows.push(...result.body.sessions);
    if (result.body.next === null) return { result, rows };
    path = `/sessions?after=${encodeURIComponent(result.body.next)}`;
  }
}

export const endDevice = (pair, loginId) => call("DELETE", `/sessions/${encodeURIComponent(loginId)}`, { token: pair.access });
