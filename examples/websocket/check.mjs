// Opens WebSockets with Node's own client, which keeps to RFC 6455 as browsers do, at a server whose handshake is answered by connect.mjs.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { handler } from "./connect.mjs";

const TOKEN = `lka_${"A-_z".repeat(63)}`;
const offered = [];
const server = createServer().listen(0, "127.0.0.1");
server.on("upgrade", async (request, socket) => {
  offered.push(request.headers["sec-websocket-protocol"]);
  // As API Gateway hands the handshake to the integration, and its headers to the client.
  const { headers } = await handler({ headers: { "Sec-WebSocket-Protocol": request.headers["sec-websocket-protocol"] ?? "" } });
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const lines = Object.entries({ Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": accept, ...headers });
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
});
await once(server, "listening");
const url = `ws://127.0.0.1:${server.address().port}/`;

async function open(protocols) {
  const socket = new WebSocket(url, protocols);
  const opened = await Promise.race([once(socket, "open").then(() => true), once(socket, "error").then(() => false)]);
  const { protocol } = socket;
  socket.close();
  return { opened, protocol };
}

assert.deepEqual(await open(["latchkey", TOKEN]), { opened: true, protocol: "latchkey" });
assert.equal(offered.at(-1).replace(" ", ""), `latchkey,${TOKEN}`, "the list that the authorizer reads");
assert.deepEqual(await open([]), { opened: true, protocol: "" });
assert.equal((await open(["another"])).opened, false, "an API's own protocol is for its own integration to answer");
for (const headers of [undefined, { "sec-websocket-protocol": `latchkey,${TOKEN}` }]) {
  const answer = await handler({ headers });
  assert(!JSON.stringify(answer).includes(TOKEN));
}
console.log("websocket: ok");
process.exit(0);
