// The page's wiring: what each control does, and what is shown after.

import * as api from "./actions.js";
import { accessMeans, addReason, meansOf, NO_ANSWER, refreshMeans, showAnswer, showNoAnswer, theftMeans } from "./answer.js";
import { $, begins, h, left, when } from "./dom.js";
import { lanesOf } from "./lanes.js";
import { addToLog, clearLog, listen } from "./log.js";
import * as office from "./office.js";
import { drawTimeline } from "./timeline.js";
import { countDown, tokenCard } from "./token.js";

const about = await fetch("/_console/about.json").then((response) => response.json());
$("username").value = about.username;
$("password").value = about.password;
$("bind-label").hidden = about.dpop === "off";
$("bind").checked = $("bind").disabled = about.dpop === "required";

let exchanges = [];
let model = lanesOf(exchanges);

const laneOf = (login) => model.lanes.find((lane) => lane.loginId === login.loginId);
/** Names by login id, as the device list has them: of logins that this page didn't make. */
const listed = new Map();
const nameOf = (loginId) => api.logins.find((login) => login.loginId === loginId)?.device ?? listed.get(loginId);
const isBound = (loginId) => api.logins.find((login) => login.loginId === loginId)?.bound;
const oldPairs = (login) => login.pairs.filter((pair) => pair.generation < api.newestPair(login).generation);

// What happens elsewhere

listen(
  (exchange) => {
    exchanges.push(exchange);
    exchanges = exchanges.slice(-500);
    addToLog(exchange, about.functions);
    addReason(exchange);
    scheduleDrawing();
  },
  () => location.reload(),
);

let drawing = false;
function scheduleDrawing() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const current = api.currentLogin();
    model = lanesOf(exchanges);
    drawTimeline($("only-this").checked && current ? lanesOf(exchanges, current.loginId) : model, (lane) => nameOf(lane.loginId), (lane) => lane.loginId === current?.loginId);
    showLogins();
    tick();
  });
}

// What is shown

function showLogins() {
  const login = api.currentLogin();
  const as = $("as");
  as.replaceChildren(
    ...(api.logins.length > 0
      ? api.logins.map((each) => h("option", { value: each.loginId, selected: each === login }, `${each.device} · ${begins(each.loginId)}${laneOf(each)?.ended ? ` · ${laneOf(each).ended.how}` : ""}`))
      : [h("option", {}, "no login yet")]),
  );
  office.follow(login);
  for (const id of ["as", "me", "refresh", "lose", "eight", "steal", "log-out", "log-out-all", "reload-devices", "log-out-others", "only-this"]) $(id).disabled = !login;
  const old = login ? oldPairs(login) : [];
  const chosen = Number($("old").value);
  const preferred = old.some((pair) => pair.generation === chosen) && !$("old").dataset.follow ? chosen : old.at(-1)?.generation;
  $("old").replaceChildren(...(old.length > 0 ? old.map((pair) => h("option", { value: pair.generation, selected: pair.generation === preferred }, pair.generation)) : [h("option", {}, "none yet")]));
  for (const id of ["old", "replay", "old-me"]) $(id).disabled = old.length === 0;
}

let shownPair = null;
function showTokens() {
  const login = api.currentLogin();
  if (!login || shownPair === login.held) return;
  shownPair = login.held;
  const { access, accessExpires, refresh, refreshExpires } = login.held;
  $("tokens").replaceChildren(tokenCard("access", access, accessExpires, about.access_token_ttl), tokenCard("refresh", refresh, refreshExpires, about.refresh_token_ttl));
}

function tick() {
  countDown($("tokens"));
  const login = api.currentLogin();
  if (!login) return;
  const lane = laneOf(login);
  const rotatedAt = lane?.sessions.length > 1 ? model.columns[lane.sessions.at(-1).from]?.at : null;
  const open = rotatedAt && about.replay_window ? rotatedAt + about.replay_window * 1000 - Date.now() : 0;
  const newest = api.newestPair(login);
  const held = login.held.generation < newest.generation ? `; this page still holds generation ${login.held.generation}, ${newest.stolen ? "and a thief has the newer pair" : "as if the answer were lost"}` : "";
  const window = open > 0 ? ` · generation ${lane.sessions.at(-1).generation - 1} may be replayed for ${left(open)}` : "";
  const text = lane?.ended ? `${login.device}: the login is over (${lane.ended.how})` : `${login.device}${login.bound ? ", bound to a key" : ""}, generation ${newest.generation}${held}${window}`;
  if ($("tokens-note").textContent !== text) $("tokens-note").textContent = text;
}
setInterval(tick, 500);

async function showDevices() {
  const login = api.currentLogin();
  if (!login) return;
  const { result, rows } = await api.devices(login.held);
  const say = (text) => $("devices").replaceChildren(h("li", { class: "note" }, text));
  if (!result) say("No answer.");
  else if (!rows) say(result.status === 401 ? "Refused: the access token is no longer good." : `Refused: ${result.code}.`);
  else {
    for (const row of rows) if (row.device) listed.set(row.login_id, row.device);
    $("devices").replaceChildren(...rows.map(deviceRow));
    scheduleDrawing();
  }
}

function deviceRow(row) {
  const name = row.device ?? "no name";
  const time = (text) => h("time", { datetime: text, title: text }, when(new Date(text), new Date()));
  const end = h("button", { type: "button", class: "quiet", "aria-label": `End the login of ${name}, ${begins(row.login_id)}`, onclick: () => act("endDevice", row.login_id) }, "End");
  return h(
    "li",
    { class: row.current ? "current" : null },
    h("div", {}, h("p", {}, h("b", {}, name), row.current && h("span", { class: "badge" }, "this one"), isBound(row.login_id) && h("span", { class: "badge" }, "bound to a key")), h("p", { class: "small" }, h("code", {}, begins(row.login_id)), " in ", time(row.logged_in_at), ", refreshed ", time(row.last_refreshed_at), row.ip && ` from ${row.ip}`)),
    end,
  );
}

function show(result, means) {
  if (result) showAnswer(result, means);
  else showNoAnswer({ method: "The request", path: "" });
  showLogins();
  showTokens();
  tick();
  scheduleDrawing();
}

// What the controls do

const chosenOld = (login) => login.pairs.find((pair) => pair.generation === Number($("old").value));

async function refreshWith(login, pair, lost) {
  const { result, known } = await api.refresh(login, pair, { key: $("key").value || undefined, lost });
  const means = result && refreshMeans(result, pair, known, known.at(-1));
  show(result, lost && result?.status === 200 ? `The service rotated, and the answer is thrown away, as by a bad network. Refresh now: the old token brings the same pair.` : means);
}

const acts = {
  async logIn() {
    $("login-refused").textContent = "";
    const result = await api.logIn($("username").value, $("password").value, $("device").value.trim(), $("bind").checked);
    const loggedIn = result?.status === 200;
    show(result, loggedIn ? `A login, and its first pair: generation 0.${api.currentLogin().bound ? " Its refresh tokens are bound to this page’s key." : ""}` : undefined);
    if (loggedIn) return showDevices();
    $("login-refused").textContent = result ? meansOf(result) : NO_ANSWER;
    $("password").select();
    $("password").focus();
  },
  async me(login) {
    const result = await api.me(login.held);
    show(result, result && accessMeans(result, login.held, api.newestPair(login)));
  },
  refresh: (login) => refreshWith(login, login.held, false),
  lose: (login) => refreshWith(login, login.held, true),
  async eight(login) {
    const pair = login.held;
    const all = await Promise.all(Array.from({ length: 8 }, () => api.refresh(login, pair, { key: $("key").value || undefined })));
    const results = all.map(({ result }) => result).filter(Boolean);
    const pairs = new Set(results.filter((result) => result.status === 200).map((result) => result.body.refresh_token));
    const means = pairs.size === 1 && results.every((result) => result.status === 200) ? "Eight at once, one rotation: all eight answers carry the same pair." : undefined;
    show(results[0] ? { ...results[0], count: 8 } : null, means);
  },
  async replay(login) {
    const pair = chosenOld(login);
    if (pair) await refreshWith(login, pair, false);
  },
  async oldMe(login) {
    const pair = chosenOld(login);
    if (!pair) return;
    const result = await api.me(pair);
    show(result, result && accessMeans(result, pair, api.newestPair(login)));
  },
  async steal(login) {
    const pair = login.held;
    // The page goes on with its own pair, as the app does that knows of no theft.
    const { result } = await api.refresh(login, pair, { lost: true, thief: true });
    show(result, result && theftMeans(result, login.bound, pair));
  },
  async logOut(login) {
    show(await api.logOut(login.held), "This login is over. The user's others live on.");
    await showDevices();
  },
  async logOutAll(login) {
    const result = await api.logOutEverywhere(login.held, false);
    show(result, result?.status === 204 ? "No login of this user that was made before survives." : undefined);
    await showDevices();
  },
  async logOutOthers(login) {
    const result = await api.logOutEverywhere(login.held, true);
    show(result, result?.status === 204 ? "All the user's other logins are over." : undefined);
    await showDevices();
  },
  async endDevice(login, loginId) {
    const result = await api.endDevice(login.held, loginId);
    show(result, result?.status === 204 ? `The login ${begins(loginId)} is over; the next request with its tokens is refused.` : undefined);
    await showDevices();
    if (!$("devices").contains(document.activeElement)) $("reload-devices").focus();
  },
  devices: () => showDevices(),
  async issue() {
    const result = await office.issue();
    if (result?.status === 200) await showCurrent();
  },
  setAttributes: () => office.setAttributes(),
  async block() {
    if (await office.block()) await showDevices();
  },
  liftBlock: () => office.liftBlock(),
};

/** What needs no login of this page. The back office is asked by servers, which have none. */
const WITHOUT_LOGIN = ["logIn", "issue", "setAttributes", "block", "liftBlock"];

/** One thing at a time, as in an app. */
let busy = false;
async function act(name, argument) {
  const login = api.currentLogin();
  if (busy || (!login && !WITHOUT_LOGIN.includes(name))) return;
  busy = true;
  document.body.setAttribute("aria-busy", "true");
  try {
    await acts[name](login, argument);
    // On a narrow screen it is often below what was pressed. A refused login is told at the form.
    if (Object.hasOwn(office, name)) $("office-answer").scrollIntoView({ block: "nearest" });
    else if ($("login-refused").textContent === "") $("answer").scrollIntoView({ block: "nearest" });
  } finally {
    busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

for (const [id, name] of [["me", "me"], ["refresh", "refresh"], ["lose", "lose"], ["eight", "eight"], ["replay", "replay"], ["old-me", "oldMe"], ["steal", "steal"], ["log-out", "logOut"], ["log-out-all", "logOutAll"], ["log-out-others", "logOutOthers"], ["reload-devices", "devices"], ["block", "block"], ["lift-block", "liftBlock"]]) {
  $(id).addEventListener("click", () => act(name));
}
for (const [id, name] of [["login-form", "logIn"], ["issue-form", "issue"], ["attributes-form", "setAttributes"]]) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act(name);
  });
}
$("office-user").addEventListener("input", () => delete $("office-user").dataset.follow);
$("office-user").dataset.follow = "current";
$("only-this").addEventListener("change", scheduleDrawing);
$("as").addEventListener("change", () => {
  api.setCurrent(api.logins.find((login) => login.loginId === $("as").value));
  showCurrent();
});
function showCurrent() {
  showLogins();
  showTokens();
  tick();
  scheduleDrawing();
  return showDevices();
}
$("old").addEventListener("change", () => delete $("old").dataset.follow);
$("old").dataset.follow = "newest";
$("clear").addEventListener("click", clearLog);

// Shortcuts

const keyed = [...document.querySelectorAll("[aria-keyshortcuts]")];
$("shortcut-list").replaceChildren(...keyed.map((button) => h("div", {}, h("dt", {}, h("kbd", {}, button.getAttribute("aria-keyshortcuts"))), h("dd", {}, button.querySelector("span").textContent))));
$("open-help").addEventListener("click", () => $("help").showModal());
addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, dialog[open]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !$("shortcuts-on").checked) return;
  const button = keyed.find((each) => each.getAttribute("aria-keyshortcuts") === event.key);
  if (!button || button.disabled) return;
  event.preventDefault();
  button.click();
});
document.documentElement.dataset.ready = "";
