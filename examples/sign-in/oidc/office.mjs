// Latchkey's back office: one signed call. The credentials are those of the environment; in Lambda, ECS or EC2 take `@aws-sdk/credential-providers`.
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, ADMIN_API } = process.env;
const signer = new SignatureV4({
  credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, sessionToken: AWS_SESSION_TOKEN },
  region: AWS_REGION,
  service: "execute-api",
  sha256: Sha256,
});

/** Asks for a login, and returns its pair of tokens. A repeated call with the same key replaces the login of the first. */
export async function issue(login, idempotencyKey) {
  const url = new URL(`${ADMIN_API}/admin/logins`);
  const headers = { host: url.host, "content-type": "application/json", "idempotency-key": idempotencyKey };
  const request = { method: "POST", protocol: url.protocol, hostname: url.hostname, path: url.pathname, headers, body: JSON.stringify(login) };
  const signed = await signer.sign(request);
  const answer = await fetch(url, { method: "POST", headers: signed.headers, body: request.body });
  if (!answer.ok) throw new Error(`the back office answered ${answer.status}`);
  return answer.json();
}
