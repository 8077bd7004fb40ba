// A service in Node, outside API Gateway: it asks Latchkey's back office about each request's token, under IAM.
import { createServer } from "node:http";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, ADMIN_API, PORT = "8085" } = process.env;
// The credentials of the environment; in Lambda, ECS or EC2 take `@aws-sdk/credential-providers`.
const signer = new SignatureV4({
  credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, sessionToken: AWS_SESSION_TOKEN },
  region: AWS_REGION,
  service: "execute-api",
  sha256: Sha256,
});

/** Who is asking, or undefined. No answer is kept: an ended login is refused on its next request. Throws where the question has no answer. */
async function introspect(token) {
  const url = new URL(`${ADMIN_API}/admin/introspect`);
  const headers = { host: url.host, "content-type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams({ token }).toString();
  const signed = await signer.sign({ method: "POST", protocol: url.protocol, hostname: url.hostname, path: url.pathname, headers, body });
  const answer = await fetch(url, { method: "POST", headers: signed.headers, body, signal: AbortSignal.timeout(3000) });
  if (!answer.ok) throw new Error(`introspection answered ${answer.status}`);
  const caller = await answer.json();
  return caller.active ? caller : undefined;
}

async function handle(request, response) {
  const answer = (status, body, headers = {}) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  if (request.url === "/health") return answer(200, { status: "ok" });
  // Node keeps the first of two such headers; the raw list has both.
  const sent = request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "authorization").length;
  const [, token] = (sent === 1 && /^bearer +(\S+)$/i.exec(request.headers.authorization)) || [];
  if (!token) return answer(401, { code: "missing_token" }, { "www-authenticate": "Bearer" });
  let caller;
  try {
    caller = await introspect(token);
  } catch {
    // An outage is never "no session": the app keeps its tokens.
    return answer(503, { code: "unavailable" }, { "retry-after": "1" });
  }
  if (!caller) return answer(401, { code: "invalid_token" }, { "www-authenticate": 'Bearer error="invalid_token"' });
  answer(200, { hello: caller.sub, login_id: caller.sid });
}

createServer(handle).listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}/hello`));
