// Walks through server.mjs as a browser does, with the OpenID provider of the package `oidc-provider`, beside `latchkey dev`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const { ADMIN_API } = process.env;
const free = async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  return port;
};
const [port, providerPort] = [await free(), await free()];
const [origin, issuer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${providerPort}`];

const client = { client_id: "notes", client_secret: "a-secret-of-this-check-alone", redirect_uris: [`${origin}/callback`], grant_types: ["authorization_code"], response_types: ["code"] };
const provider = new Provider(issuer, {
  clients: [client],
  pkce: { required: () => true },
  cookies: { keys: ["a key of this check"] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});
const providing = createServer(provider.callback()).listen(providerPort, "127.0.0.1");

const server = spawn(process.execPath, [new URL("server.mjs", import.meta.url).pathname], {
  env: { ...process.env, ISSUER: issuer, CLIENT_ID: client.client_id, CLIENT_SECRET: client.client_secret, PORT: String(port), ORIGIN: origin },
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  await once(server.stdout, "data");
  await walk();
  console.log("sign-in by OpenID Connect: ok");
} finally {
  server.kill();
  providing.close();
  providing.closeAllConnections();
}

/** A browser: it keeps cookies by host, sends forms, and follows redirects up to `stop`. */
function browser() {
  const jars = new Map();
  return async function visit(url, { stop, form } = {}) {
    for (let hop = 0; hop < 12; hop += 1) {
      const here = new URL(url);
      const jar = jars.get(here.host) ?? jars.set(here.host, new Map()).get(here.host);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
      const sent = form ? { method: "POST", body: new URLSearchParams(form) } : {};
      const response = await fetch(url, { ...sent, redirect: "manual", headers: cookie ? { cookie } : {} });
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        if (value) jar.set(name, value);
        else jar.delete(name);
      }
      const next = response.headers.get("location");
      if (!next) return { response, url };
      url = new URL(next, url).href;
      form = undefined;
      if (stop && url.startsWith(stop)) return { response, url };
    }
    throw new Error("redirected in a circle");
  };
}

/** Logs in at the provider's own page and gives the consent, up to the callback's address. */
async function throughTheProvider(visit, account) {
  const page = await visit(`${origin}/sign-in`);
  const consent = await visit(page.url, { form: { prompt: "login", login: account, password: "any" } });
  return (await visit(consent.url, { form: { prompt: "consent" }, stop: `${origin}/callback` })).url;
}

async function walk() {
  const visit = browser();
  const address = await throughTheProvider(visit, "ada");
  const elsewhere = await browser()(address);
  assert.equal(elsewhere.response.status, 400, "another browser began no sign-in");

  const { response } = await visit(address);
  assert.equal(response.status, 200);
  const pair = await response.json();
  const me = await fetch(`${ADMIN_API}/me`, { headers: { authorization: `Bearer ${pair.access_token}` } });
  assert.equal(me.status, 200);
  assert.equal((await me.json()).user_id, pair.user_id);

  // The same account is the same user, another account another one, and a changed state is refused.
  const again = browser();
  const second = await (await again(await throughTheProvider(again, "ada"))).response.json();
  assert.equal(second.user_id, pair.user_id);
  assert.notEqual(second.login_id, pair.login_id);
  const third = browser();
  const bob = new URL(await throughTheProvider(third, "bob"));
  const state = bob.searchParams.get("state");
  bob.searchParams.set("state", `${state}x`);
  assert.equal((await third(bob.href)).response.status, 401, "a state that isn't this browser's");
  bob.searchParams.set("state", state);
  const other = await (await third(bob.href)).response.json();
  assert.notEqual(other.user_id, pair.user_id);
}
