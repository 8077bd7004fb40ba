// A Lambda authorizer on lib-dynamodb, with the least of a runtime client around it.
import { createHash } from "node:crypto";
import { Agent, request } from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));

async function session(token) {
  const hash = createHash("sha256").update(token).digest("base64url");
  const { Items } = await client.send(
    new QueryCommand({
      TableName: "SessionsTable",
      ConsistentRead: true,
      KeyConditionExpression: "user_key = :user_key AND begins_with(sk, :login_id)",
      ExpressionAttributeValues: { ":user_key": token.slice(4, 26), ":login_id": token.slice(26, 48) },
    }),
  );
  const found = Items.find((item) => item.access_token_hash === hash);
  return found && new Date().toISOString() < found.access_token_expires_at ? found : undefined;
}

async function authorize({ authorizationToken = "", methodArn }) {
  const found = authorizationToken.startsWith("Bearer ") ? await session(authorizationToken.slice(7)) : undefined;
  return {
    principalId: found?.user_id ?? "anonymous",
    policyDocument: {
      Version: "2012-10-17",
      Statement: [
        {
          Action: "execute-api:Invoke",
          Effect: found ? "Allow" : "Deny",
          Resource: `${methodArn.split("/").slice(0, 2).join("/")}/*`,
        },
      ],
    },
    context: found && {
      user_id: found.user_id,
      login_id: found.login_id,
      generation: String(found.generation),
      access_token_expires_at: found.access_token_expires_at,
      refresh_token_expires_at: found.refresh_token_expires_at,
    },
  };
}

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method, path: `/2018-06-01/runtime/invocation/${path}` };
    const sent = request(options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString() }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function run() {
  for (;;) {
    const { headers, body } = await call("GET", "next");
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      await call("POST", `${id}/response`, JSON.stringify(await authorize(JSON.parse(body))));
    } catch (error) {
      await call("POST", `${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
    }
  }
}

run();
