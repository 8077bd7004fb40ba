// What an answer means, in a sentence, and the answer itself without its tokens.

import { $, begins, h } from "./dom.js";

const MEANS = {
  invalid_credentials: "User name or password is wrong. The answer doesn't say which.",
  throttled: "Too many attempts. Even the right password has to wait.",
  session_limit: "The password was right, and the user has as many logins as are allowed.",
  superseded: "A newer token was issued a moment ago. Nothing has ended: use that one.",
  missing_token: "Nothing of a token's shape was sent.",
  not_found: "No such login, or not this user's.",
  unavailable: "The service can't settle it at the moment. Keep the tokens, try again.",
};

const TOO_OFTEN = "Too many requests at once, or a ninth proof of a bound login in some six minutes. Wait, then try again.";

/** What an answer means, by its problem's code. */
export const meansOf = ({ status, code, path, body }) => (path === "/refresh" && status === 429 ? TOO_OFTEN : undefined) ?? MEANS[code] ?? (status < 400 ? "Done." : body?.detail ? `Refused: ${body.detail}.` : "Refused.");

export const NO_ANSWER = "No answer: is latchkey dev running? Nothing is lost; try again.";

/** Shows the last answer. `means` says what it came to; without it the problem's code does. */
export function showAnswer(result, means) {
  const { method, path, status, code, body, count } = result;
  const text = means ?? meansOf(result);
  $("answer").dataset.request = result.requestId ?? "";
  $("answer").replaceChildren(
    h("p", { class: "line" }, h("span", { class: `status s${Math.floor(status / 100)}` }, status), h("b", {}, `${method} ${path}${count ? ` ×${count}` : ""}`), code && h("code", {}, code)),
    h("p", { class: "means" }, text),
    body ? h("details", { class: "more" }, h("summary", {}, "Body"), h("pre", { tabindex: "0" }, JSON.stringify(body, shortened, 2))) : "",
  );
  tellReason(arrived.get(result.requestId));
}

/** A request without an answer. */
export function showNoAnswer({ method, path }) {
  $("answer").replaceChildren(h("p", { class: "line" }, h("span", { class: "status s5" }, "–"), h("b", {}, `${method} ${path}`)), h("p", { class: "means" }, NO_ANSWER));
}

/** The latest exchanges by their request's id: either of an answer and its exchange may come first. */
const arrived = new Map();
const KEPT = 50;

/** Adds what the service logged about it, once both are known. */
export function addReason(exchange) {
  if (!exchange.request_id) return;
  arrived.set(exchange.request_id, exchange);
  if (arrived.size > KEPT) arrived.delete(arrived.keys().next().value);
  tellReason(exchange);
}

function tellReason(exchange) {
  const answer = $("answer");
  if (!exchange || answer.dataset.request !== exchange.request_id) return;
  const line = exchange.log.find((each) => each.reason) ?? exchange.log.at(-1);
  if (!line || answer.querySelector(".logged")) return;
  answer.querySelector(".means")?.after(h("p", { class: "logged note" }, "For the log only: ", h("code", {}, line.code), line.reason ? ` ${line.reason}` : ""));
}

/** For JSON that is shown: a token by its beginning. */
export const shortened = (_, value) => (typeof value === "string" && /^lk[ar]_/.test(value) ? `${value.slice(0, 10)}… (256)` : value);

/** What a refresh came to. `known` are this page's pairs of the login. */
export function refreshMeans(result, presented, known, newest) {
  if (result.status === 200) {
    const same = known.find((pair) => pair.refresh === result.body.refresh_token && pair.access === result.body.access_token);
    if (same) return `A replay: the very same pair, generation ${same.generation}. Nothing was minted and nothing has ended.`;
    return `Generation ${presented.generation + 1} takes the place of ${presented.generation}. The old access token is refused from now on.`;
  }
  if (result.code === "invalid_token" && presented.generation < newest.generation) return "Refused. An old token after its window is reuse: two parties hold it, the service can't tell which is the thief, so the login has ended for both.";
  if (result.code === "invalid_token") return "Refused: the login is over, or the token has expired. Log in again.";
  return undefined;
}

/** What a thief gets for a copied refresh token. */
export function theftMeans(result, bound, presented) {
  if (result.status === 200) return `The copied token is enough: the thief has generation ${presented.generation + 1}. Bind the next login to a key, and try again.`;
  if (result.code === "invalid_token" && bound) return "Refused. The token is genuine, but the thief can't sign with the key. The login lives on: refresh to see it.";
  return refreshMeans(result, presented, [], presented);
}

/** What a call of a protected route came to. */
export function accessMeans(result, presented, newest) {
  if (result.status === 200) return `Let in as the login ${begins(result.body.login_id)}: one read of the table, no cache.${carried(result.body)}`;
  if (result.status === 401 && presented.generation < newest.generation) return `Refused: generation ${presented.generation} was replaced, and its access token died with it.`;
  if (result.status === 401) return "Refused: expired, or the login is over. Refresh, or log in again.";
  return undefined;
}

/** What the request carries beside the login: the same that the authorizer hands to the API behind it. */
function carried({ scope, attributes }) {
  const parts = [scope && `scope ${scope}`, ...Object.entries(attributes ?? {}).map(([name, value]) => `${name}=${value}`)].filter(Boolean);
  return parts.length > 0 ? ` It carries ${parts.join(", ")}.` : "";
}
