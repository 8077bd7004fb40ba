// The function behind `$connect` of a WebSocket API, whose authorizer is Latchkey's. A browser that offered `latchkey` and a token wants one of its two
// sub-protocols back, and closes the socket otherwise. The answer is always the word: the other one is the token.
export const handler = async (event) => {
  const sent = Object.entries(event.headers ?? {}).find(([name]) => name.toLowerCase() === "sec-websocket-protocol");
  const byBrowser = sent?.[1].split(",")[0].trim() === "latchkey";
  return { statusCode: 200, headers: byBrowser ? { "Sec-WebSocket-Protocol": "latchkey" } : {} };
};
