// The back office as a team's own servers ask it. Each act shows its very request beside the answer.

import { issue as issued, office } from "./actions.js";
import { meansOf, NO_ANSWER, shortened } from "./answer.js";
import { $, begins, h } from "./dom.js";

/** Meanings where those of the public API's codes don't fit. */
const MEANS = {
  user_blocked: "The user is blocked. No login of theirs is created until the block is lifted.",
  session_limit: "The user has as many logins as are allowed.",
  not_found: "No such user. An id is known once it has a user, a login or a block.",
};

/** The user whom the page acts as is the one in the field, unless the reader has typed another. */
export function follow(login) {
  const field = $("office-user");
  if (field.value === login?.userId) field.dataset.follow = "current";
  if (login && field.dataset.follow) field.value = login.userId;
}

/** Issues a login, and the page acts with it. The answer; null without one, and undefined where a field isn't valid. */
export async function issue() {
  if (!$("office-user").reportValidity()) return undefined;
  const device = $("issue-device").value.trim() || undefined;
  const lifetime = Number($("issue-lifetime").value) || undefined;
  // A new key for each sign-in: a repeated call with the same one replaces the login of the first.
  const key = crypto.randomUUID();
  const body = { user_id: $("office-user").value, device, lifetime, scope: $("issue-scope").value || undefined, attributes: attributesOf($("issue-attributes")) };
  const { request, result } = await issued(body, key);
  return show(request, result, ({ body: pair }) => `A login of ${pair.user_id}, ${begins(pair.login_id)}. Your server hands the pair to the app; here this page is the app.`);
}

/** Sets the user's scope and attributes. */
export async function setAttributes() {
  if (!$("office-user").reportValidity()) return undefined;
  const body = { user_id: $("office-user").value, scope: $("user-scope").value || undefined, attributes: attributesOf($("user-attributes")) };
  const { request, result } = await office("PUT", "/admin/attributes", body);
  return show(request, result, () => "The next request has them, with the access token that the app already holds. Call /me to see it.");
}

/** Ends every login of the user, and creates none until the block is lifted. */
export async function block() {
  if (!$("office-user").reportValidity()) return undefined;
  const { request, result } = await office("POST", "/admin/blocks", { user_id: $("office-user").value });
  return show(request, result, ({ body: { ended } }) => `${ended} ${ended === 1 ? "login has" : "logins have"} ended: the next request with their tokens is refused. No login is created until the block is lifted.`);
}

export async function liftBlock() {
  if (!$("office-user").reportValidity()) return undefined;
  const { request, result } = await office("POST", "/admin/blocks/lift", { user_id: $("office-user").value });
  return show(request, result, () => "Logins of the user are created again. Those that ended stay ended.");
}

/** The names and values of a field with `role=admin`, one a line. */
const pairsOf = (field) => field.value.split("\n").filter((line) => line.trim()).map((line) => line.split(/=(.*)/s).slice(0, 2).map((part) => part.trim()));

/** `{role: "admin"}`; undefined for an empty field. */
function attributesOf(field) {
  const pairs = pairsOf(field);
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
}

// A form with an invalid field isn't submitted at all, so the field is judged as it is typed.
for (const field of [$("issue-attributes"), $("user-attributes")]) {
  field.addEventListener("input", () => {
    const whole = pairsOf(field).every(([name, value]) => name && value);
    field.setCustomValidity(whole ? "" : "Write one name=value a line, such as role=admin.");
  });
  // The browser can't show its words at a field that is folded away.
  field.addEventListener("invalid", () => field.closest("details")?.setAttribute("open", ""));
}

function show(request, result, done) {
  const { method, path } = request;
  const code = result?.code;
  const means = !result ? NO_ANSWER : result.status < 400 ? done(result) : (MEANS[code] ?? meansOf(result));
  $("office-answer").dataset.request = result?.requestId ?? "";
  $("office-said").replaceChildren(
    h("p", { class: "line" }, h("span", { class: `status s${result ? Math.floor(result.status / 100) : 5}` }, result?.status ?? "–"), h("b", {}, `${method} ${path}`), code && h("code", {}, code)),
    h("p", { class: "means" }, means),
  );
  $("office-exchange").replaceChildren(part("Request", requestText(request)), result ? part("Answer", answerText(result)) : "");
  return result;
}

const part = (name, text) => h("details", { class: "more", open: true }, h("summary", {}, name), h("pre", { tabindex: "0", "aria-label": name }, text));

/** The request as it goes to the back office. The signature is the server's, so the page can't show it. */
function requestText({ method, path, headers, body }) {
  const lines = [`${method} ${path}`, "Authorization: AWS4-HMAC-SHA256 … (added by latchkey dev)", ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  return `${lines.join("\n")}\n\n${JSON.stringify(body, null, 2)}`;
}

const answerText = ({ status, body }) => (body ? `${status}\n\n${JSON.stringify(body, shortened, 2)}` : `${status}, without a body`);
