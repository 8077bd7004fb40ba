// The console page's own computations: the fields of a token, and lanes from exchanges. No browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { when } from "../../cli/src/console/assets/dom.js";
import { inWords, lanesOf } from "../../cli/src/console/assets/lanes.js";
import { hashOf, takeApart } from "../../cli/src/console/assets/token.js";

// The golden vectors of shared/src/token/golden.rs.
const ACCESS = "lka_h2uzXkR-4Tn0EKGWcJpQdr0123456789-_abcdefghiwAAAAHhMxe9Lcxgf1fh-CM2lu--EqvQ_BP8xbPNoYhF07B4cgs7iuFh5LpvaCN7RYzWZnxSCToqNW9SDZw5Wm-Rq98pqoOogQ8D0wkYqaxY9-qPuGMKxFkRrlRSmAbhirJesg8VDaJV9iTSdEnIpQ85ZSxf6ObIfXQK6jVR-sKfRGk-ER7SrJ4NP2n1Zp3zw98js4dSRppMAY8dqi";
const REFRESH = "lkr_h2uzXkR-4Tn0EKGWcJpQdr0123456789-_abcdefghiwAAAAHERERERERERERERERERERERERERERERERERERERERERE4nC5pa7BZTrMcuaAPsOq85M0YnVL5-61L9N-VJ2zYPR38dZcjkgLhq5_C5ygFmnLPh-XNY4p-TzEPyIMgClo2ezP-jBpyaqW_zE4chdflKBkmR4Jxcdds95eTOvYItHbsq9pu0fUSgYRjOzvry5Ejl055PCZj3k-";

test("a token's fields, its check and its hash are those of the service", async () => {
  for (const token of [ACCESS, REFRESH]) {
    const { parts, generation, checkHolds } = takeApart(token);
    assert.equal(Object.values(parts).join(""), token);
    assert.deepEqual([parts["user key"], parts["login id"], generation, checkHolds], ["h2uzXkR-4Tn0EKGWcJpQdr", "0123456789-_abcdefghiw", 7, true]);
    const other = `${token.slice(0, 100)}${token[100] === "A" ? "B" : "A"}${token.slice(101)}`;
    assert.equal(takeApart(other).checkHolds, false);
  }
  assert.equal(await hashOf(ACCESS), "tBHClmdOpk1ZbOb3Unuv47cy6W6Dx79qYryZT5IJOOY");
  assert.equal(await hashOf(REFRESH), "KFS2fVTwADgULthrR1BtRkkQm9jKCX2xnLfqWtoAPs4");
});

const named = (login_id, generation, user_key = "user") => ({ login_id, generation, user_key });
const exchange = (operation, status, rest = {}) => {
  const [method, route] = operation.split(" ");
  return { at: "2026-11-24T12:00:00.000Z", method, route, status, keeps_current: false, presented: null, issued: null, log: [], store: [], functions: [], ...rest };
};
const login = (id, user) => exchange("POST /login", 200, { issued: named(id, 0, user) });
const refresh = (id, from, to) => exchange("POST /refresh", 200, { presented: named(id, from), issued: named(id, to) });
const refused = (id, generation, status, code) => exchange("POST /refresh", status, { presented: named(id, generation), log: code ? [{ code }] : [] });
const me = (id, generation, status = 200) => exchange("GET /me", status, { presented: named(id, generation) });

test("a refresh replaces the session, a replay doesn't", () => {
  const { columns, lanes } = lanesOf([login("a"), refresh("a", 0, 1), refresh("a", 0, 1), me("a", 1), me("a", 0, 401), refresh("a", 1, 2)]);
  assert.deepEqual(lanes[0].sessions, [
    { generation: 0, from: 0, to: 1 },
    { generation: 1, from: 1, to: 5 },
    { generation: 2, from: 5, to: null },
  ]);
  assert.deepEqual(lanes[0].marks.map(({ kind, generation }) => [kind, generation]), [["replayed", 0], ["allowed", 1], ["denied", 0]]);
  assert.equal(columns.length, 6);
  assert.equal(lanes[0].ended, null);
});

test("answers of a race come in any order, and share a column", () => {
  const { columns, lanes } = lanesOf([login("a"), ...Array.from({ length: 8 }, () => refresh("a", 0, 1)), me("a", 1), me("a", 1), me("a", 0, 401)]);
  assert.deepEqual(columns.map(({ verb, count }) => [verb, count]), [["log in", 1], ["refresh", 1], ["refresh", 7], ["/me", 2], ["/me", 1]]);
  assert.equal(lanes[0].marks.length, 3);
});

test("only one login: what concerns others alone has no column", () => {
  const story = [login("a"), login("b"), me("b", 0), refresh("a", 0, 1), me("b", 0, 401), { ...exchange("DELETE /sessions", 204, { presented: named("b", 0) }) }];
  const { columns, lanes } = lanesOf(story, "a");
  assert.deepEqual(lanes.map(({ loginId }) => loginId), ["a"]);
  assert.deepEqual(columns.map(({ verb }) => verb), ["log in", "refresh", "end all"]);
  assert.deepEqual([lanes[0].marks, lanes[0].ended], [[], { column: 2, how: "ended" }]);
  const foreign = lanesOf([login("a"), login("b", "other"), exchange("DELETE /sessions", 204, { presented: named("b", 0, "other") })], "a");
  assert.deepEqual([foreign.columns.length, foreign.lanes[0].ended], [1, null]);
});

test("a time of another day has its date, and how long ago it was", () => {
  const now = new Date("2026-11-28T12:00:00");
  assert.equal(when(new Date("2026-11-28T09:05:06"), now), new Date("2026-11-28T09:05:06").toLocaleTimeString([], { hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit" }));
  assert.match(when(new Date("2026-11-22T23:52:13"), now), /22.*2026.*23:52.* \(6 d ago\)$|2026.*22.*23:52.* \(6 d ago\)$/);
  assert.match(when(new Date("2026-11-27T23:52:13"), now), /\(12 h ago\)$/);
});

test("superseded ends nothing, reuse ends the login", () => {
  const story = [login("a"), refresh("a", 0, 1), refresh("a", 1, 2), refused("a", 0, 409, "refresh_superseded")];
  assert.equal(lanesOf(story).lanes[0].ended, null);
  const deleted = [{ outcome: "ok", touched: [{ ends: "a" }] }];
  const { lanes } = lanesOf([...story, { ...refused("a", 0, 401, "refresh_reused"), store: deleted }, me("a", 2, 401)]);
  assert.deepEqual(lanes[0].ended, { column: 4, how: "reuse" });
  assert.deepEqual(lanes[0].marks.map(({ kind }) => kind), ["superseded", "reused", "denied"]);
  assert.equal(lanes[0].sessions.at(-1).to, 4);
});

test("a deletion that DynamoDB refused ends nothing", () => {
  const store = [{ outcome: "ConditionalCheckFailedException", touched: [{ ends: "a" }] }];
  assert.equal(lanesOf([login("a"), exchange("POST /logout", 503, { store, presented: named("a", 0) })]).lanes[0].ended, null);
});

test("everywhere is the user's logins and nobody else's, and may spare one", () => {
  const end = (keeps_current) => exchange("DELETE /sessions", 204, { presented: named("a", 0), keeps_current });
  const ended = (exchanges) => lanesOf(exchanges).lanes.map((lane) => lane.ended?.how ?? null);
  const logins = [login("a"), login("b"), login("c", "somebody else")];
  assert.deepEqual(ended([...logins, end(false)]), ["ended", "ended", null]);
  assert.deepEqual(ended([...logins, end(true)]), [null, "ended", null]);
});

test("a login that replaces another one of the same device says so", () => {
  const store = [{ outcome: "ok", touched: [{ ends: null }, { ends: "a" }] }];
  const { lanes } = lanesOf([login("a"), { ...login("b"), store }]);
  assert.deepEqual(lanes.map((lane) => lane.ended?.how), ["replaced", undefined]);
});

test("a login that was made before the page listened is drawn from where it is met", () => {
  const { lanes } = lanesOf([me("a", 3), refresh("a", 3, 4)]);
  assert.deepEqual(lanes[0].sessions.map(({ generation }) => generation), [3, 4]);
});

test("the back office issues a login, and a block ends the user's", () => {
  const issue = (id) => exchange("POST /admin/logins", 200, { issued: named(id, 0) });
  const block = exchange("POST /admin/blocks", 200, { store: [{ outcome: "ok", touched: [{ ends: "a" }, { ends: "b" }] }] });
  const role = exchange("PUT /admin/attributes", 204);
  const { columns, lanes } = lanesOf([issue("a"), issue("b"), role, me("a", 0), block, me("a", 0, 401)]);
  assert.deepEqual(columns.map(({ verb }) => verb), ["issue", "issue", "/me", "block", "/me"]);
  assert.deepEqual(lanes.map((lane) => lane.ended), [{ column: 3, how: "blocked" }, { column: 3, how: "blocked" }]);
  assert.deepEqual(lanes[0].marks.map(({ kind }) => kind), ["allowed", "denied"]);
});

test("an outage is no refusal", () => {
  assert.deepEqual(lanesOf([login("a"), me("a", 0, 503)]).lanes[0].marks.map(({ kind }) => kind), ["failed"]);
});

test("the same in words, in the order in which it happened", () => {
  const words = inWords(lanesOf([login("a"), refresh("a", 0, 1), refresh("a", 0, 1)]), () => "Phone");
  assert.deepEqual(words, [
    "log in: Phone: session 0 begins",
    "refresh: Phone: session 1 takes its place",
    "refresh: Phone: session 0: its refresh token came again and got the same pair",
  ]);
});
