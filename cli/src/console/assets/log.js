// The live log: each request with what the store was asked beside it.

import { $, begins, h } from "./dom.js";

const SHOWN = 200;

/** Listens to the server. `heard` gets each exchange, `began` is called where a new run of the server starts. */
export function listen(heard, began) {
  const events = new EventSource("/_console/events");
  const connection = $("connection");
  const say = (state, text) => {
    connection.className = `connection ${state}`;
    connection.textContent = text;
  };
  let run = null;
  events.addEventListener("open", () => say("live", "live"));
  events.addEventListener("error", () => say("lost", "latchkey dev doesn't answer; is it running?"));
  events.addEventListener("start", ({ data }) => {
    if (run !== null && run !== data) began();
    run = data;
  });
  events.addEventListener("exchange", ({ data }) => heard(JSON.parse(data)));
}

/** Puts an exchange on top of the log. */
export function addToLog(exchange, elsewhere) {
  const log = $("log");
  log.querySelector(".empty")?.remove();
  log.prepend(entry(exchange, elsewhere));
  while (log.children.length > SHOWN) log.lastElementChild.remove();
}

export function clearLog() {
  $("log").replaceChildren(h("li", { class: "empty" }, "Cleared."));
}

function entry(exchange, elsewhere) {
  const { at, method, route, status, code, ms, presented, gateway, log } = exchange;
  const who = presented ? `${presented.kind === "access_token" ? "access" : "refresh"} ${presented.generation} of ${begins(presented.login_id)}` : null;
  const why = log.find((line) => line.reason)?.reason;
  const facts = h(
    "div",
    { class: "facts" },
    h(
      "p",
      { class: "line" },
      h("span", { class: `status s${Math.floor(status / 100)}` }, status),
      h("b", {}, `${method} ${route}${exchange.keeps_current ? "?keep=current" : ""}`),
      h("span", { class: "ms" }, `${ms} ms`),
    ),
    h("p", { class: "line small" }, h("time", { datetime: at }, at.slice(11, 23)), who && h("span", {}, who), code && h("code", {}, code)),
    log.length > 0 && h("p", { class: "line small" }, h("span", {}, "logged "), log.map((line) => h("code", {}, line.code)), why && h("span", {}, why)),
    gateway && h("p", { class: "line small" }, h("span", {}, `gateway: ${gateway}`)),
  );
  return h("li", { class: "entry", "data-request": exchange.request_id }, facts, calls(exchange, elsewhere));
}

function calls({ store, functions }, elsewhere) {
  if (elsewhere && functions.length > 0) return h("div", { class: "calls" }, h("p", { class: "total" }, `${functions.map((run) => run.name).join(", ")} ran at ${elsewhere}, out of sight`));
  if (store.length === 0) return h("div", { class: "calls" }, h("p", { class: "total" }, "The store was not asked."));
  return h("div", { class: "calls" }, h("p", { class: "total" }, total(store)), h("ol", {}, store.map(call)));
}

function total(store) {
  const sum = (writes) => store.filter((each) => each.writes === writes).reduce((units, each) => units + (each.units ?? 0), 0);
  const units = [[sum(false), "read"], [sum(true), "write"]].filter(([count]) => count > 0).map(([count, kind]) => `${count} ${kind} ${count === 1 ? "unit" : "units"}`);
  return [`${store.length} ${store.length === 1 ? "call" : "calls"}`, ...units].join(" · ");
}

function call({ function: name, operation, attempt, touched, units, writes, ms, outcome }) {
  const cost = units === null ? "" : `${units} ${writes ? "W" : "R"}U`;
  return h(
    "li",
    {},
    h(
      "p",
      { class: "line" },
      h("span", { class: "function" }, name ?? ""),
      h("b", {}, operation),
      attempt > 1 && h("span", {}, `attempt ${attempt}`),
      h("span", { class: "cost", title: writes ? "write units" : "read units" }, cost),
      h("span", { class: "ms" }, ms === null ? "given up" : `${ms} ms`),
    ),
    outcome !== "ok" && h("p", { class: "line small outcome" }, outcome ?? "no answer"),
    h("ul", {}, touched.map((item) => target(item, touched.length > 1))),
  );
}

function target({ action, table, index, key, condition }, several) {
  return h(
    "li",
    {},
    several && h("span", { class: "action" }, action),
    h("span", { class: "table" }, index ? `${table}, index ${index}` : table),
    h("code", {}, key),
    condition && h("span", { class: "condition", title: condition }, "if ", h("code", {}, condition)),
  );
}
