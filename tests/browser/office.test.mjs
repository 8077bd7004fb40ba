// The console's back office in a real browser: issuing a login, changing a role, blocking a user. scripts/console-check runs it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answer, breaches, launch, officeAnswer, open, press, settled } from "./browser.mjs";
import { start } from "./server.mjs";

let browser;
let server;

before(async () => {
  server = await start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const bodyOf = (text) => JSON.parse(text.slice(text.indexOf("{")));
const held = (page) => page.$$eval(".token .text", (all) => all.map((each) => each.textContent));
const loginsOf = (page) => page.$$eval("#as option", (all) => all.map((each) => each.textContent));

test("issuing a login: its request is shown, and the page acts with the pair", async () => {
  const { page, close } = await open(browser, server.url);
  await page.fill("#office-user", "grace@example.com");
  await page.fill("#issue-device", "Grace’s phone");
  await page.fill("#issue-lifetime", "3600");
  await page.click("details:has(#issue-scope) > summary");
  await page.fill("#issue-scope", "orders:read orders:write");
  await page.fill("#issue-attributes", "role=clerk\nplan = gold=yes");
  await press(page, "issue");
  const { status, means, request, answer: answered } = await officeAnswer(page);
  assert.equal(status, 200);
  assert.match(means, /A login of grace@example.com/);
  assert.match(request, /^POST \/admin\/logins\nAuthorization: AWS4-HMAC-SHA256 … \(added by latchkey dev\)\nContent-Type: application\/json\nIdempotency-Key: [0-9a-f-]{36}\n\n/);
  const expected = { user_id: "grace@example.com", device: "Grace’s phone", lifetime: 3600, scope: "orders:read orders:write", attributes: { role: "clerk", plan: "gold=yes" } };
  assert.deepEqual(bodyOf(request), expected);

  // The page is the app now: it holds the pair, and shows no more of it than elsewhere.
  const [access, refresh] = await held(page);
  assert.match(access, /^lka_/);
  assert(!answered.includes(access) && !answered.includes(refresh) && answered.includes(`${access.slice(0, 10)}…`), answered);
  assert.match((await loginsOf(page)).join(), /Grace’s phone/);
  assert.match(await page.textContent(".token.refresh .rest"), /^(59 min|59:\d\d|1 h 0 min)$/, "no longer than its lifetime");
  await press(page, "me");
  assert.match((await answer(page)).means, /It carries scope orders:read orders:write, plan=gold=yes, role=clerk\./);
  await press(page, "refresh");
  assert.equal((await answer(page)).status, 200);

  // The server signed what was sent, and its journal has the route alone.
  const log = await page.textContent("#log");
  assert.match(log, /POST \/admin\/logins/);
  for (const secret of [access.slice(53, 80), refresh.slice(53, 80), "grace", "clerk"]) assert(!log.includes(secret), `${secret} is in the log`);
  assert.match((await page.$$eval(".verb", (all) => all.map((each) => each.textContent))).join(), /issue/);
  await close();
});

test("changing a role: the next request carries it, with the same access token, in every login of the user", async () => {
  const { page, close } = await open(browser, server.url);
  await page.fill("#device", "Laptop");
  await press(page, "log-in");
  await press(page, "me");
  assert(!(await answer(page)).means.includes("It carries"));
  const before = await held(page);
  const demo = await page.inputValue("#office-user");
  assert.match(demo, /^[A-Za-z0-9_-]{22}$/, "the field follows the login that acts");

  await page.fill("#user-scope", "orders:read");
  await page.fill("#user-attributes", "role=admin");
  await press(page, "set-attributes");
  const { status, means, request, answer: answered } = await officeAnswer(page);
  assert.equal(status, 204);
  assert.match(means, /The next request has them/);
  assert.match(request, /^PUT \/admin\/attributes\n/);
  assert.deepEqual(bodyOf(request), { user_id: demo, scope: "orders:read", attributes: { role: "admin" } });
  assert.equal(answered, "204, without a body");
  await press(page, "me");
  assert.match((await answer(page)).means, /It carries scope orders:read, role=admin\./);
  assert.deepEqual(await held(page), before, "the same token");

  // What is set replaces what was. Another login of the user has it, too.
  await page.fill("#user-scope", "");
  await page.fill("#user-attributes", "role=support");
  await press(page, "set-attributes");
  await page.fill("#device", "Watch");
  await press(page, "log-in");
  for (const index of [0, 1]) {
    await page.selectOption("#as", { index });
    await press(page, "me");
    assert.match((await answer(page)).means, /It carries role=support\./);
  }
  await page.fill("#user-attributes", "");
  await press(page, "set-attributes");
  await press(page, "me");
  assert(!(await answer(page)).means.includes("It carries"));
  await close();
});

test("blocking a user: the next request is refused, and no login is created until the block is lifted", async () => {
  const { page, close } = await open(browser, server.url);
  await page.fill("#office-user", "mallory");
  await press(page, "issue");
  await page.fill("#issue-device", "Watch");
  await press(page, "issue");
  await press(page, "me");
  assert.equal((await answer(page)).status, 200);

  await press(page, "block");
  const blocked = await officeAnswer(page);
  assert.equal(blocked.status, 200);
  assert.match(blocked.means, /^2 logins have ended/);
  assert.deepEqual([bodyOf(blocked.request), bodyOf(blocked.answer)], [{ user_id: "mallory" }, { ended: 2 }]);
  for (const id of ["me", "refresh"]) {
    await press(page, id);
    assert.equal((await answer(page)).status, 401, id);
  }
  await page.waitForFunction(() => [...document.querySelectorAll("#as option")].every((each) => each.textContent.endsWith("blocked")));
  await press(page, "issue");
  const refused = await officeAnswer(page);
  assert.equal(refused.status, 403);
  assert.match(refused.means, /The user is blocked/);

  await press(page, "lift-block");
  assert.equal((await officeAnswer(page)).status, 204);
  await press(page, "me");
  assert.equal((await answer(page)).status, 401, "what has ended stays ended");
  await press(page, "issue");
  assert.equal((await officeAnswer(page)).status, 200);
  await press(page, "me");
  assert.equal((await answer(page)).status, 200);
  await close();
});

test("the demo user, blocked: a login by password is refused as a wrong password is", async () => {
  const own = await start();
  const { page, close } = await open(browser, own.url);
  await press(page, "log-in");
  await press(page, "block");
  await press(page, "log-in");
  assert.match(await page.textContent("#login-refused"), /name or password is wrong/);
  await press(page, "lift-block");
  await press(page, "log-in");
  assert.equal((await answer(page)).status, 200);
  await close();
  await own.stop();
});

test("what can't be sent is told at its field, and what is refused in the panel", async () => {
  const { page, close } = await open(browser, server.url);
  const focused = () => page.evaluate(() => document.activeElement.id);
  await page.fill("#user-attributes", "role");
  await press(page, "set-attributes");
  assert.equal(await focused(), "user-attributes");
  assert.match(await page.$eval("#user-attributes", (field) => field.validationMessage), /one name=value a line/);
  await page.fill("#user-attributes", "Role=admin");
  await press(page, "set-attributes");
  const { status, means } = await officeAnswer(page);
  assert.equal(status, 400);
  assert.match(means, /^Refused: .*attributes/);

  const more = "details:has(#issue-attributes) > summary";
  await page.click(more);
  await page.fill("#issue-attributes", "=clerk");
  await page.click(more);
  await press(page, "issue");
  assert.equal(await focused(), "issue-attributes", "also where it is folded away");
  await page.fill("#issue-attributes", "");
  await page.fill("#office-user", "");
  await press(page, "block");
  assert.equal(await focused(), "office-user");
  await page.fill("#office-user", "never-seen");
  await press(page, "lift-block");
  assert.equal((await officeAnswer(page)).status, 404);
  await close();
});

test("the back office by keyboard alone", async () => {
  const { page, close } = await open(browser, server.url);
  await page.focus("#office-user");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await settled(page);
  assert.equal((await officeAnswer(page)).status, 200, "Enter in a field issues");
  await page.evaluate(() => document.activeElement.blur());
  for (const [key, status] of [["a", 204], ["i", 200], ["k", 200], ["u", 204]]) {
    await page.keyboard.press(key);
    await settled(page);
    assert.equal((await officeAnswer(page)).status, status, key);
  }
  await page.focus("#user-attributes");
  await page.keyboard.press("End");
  await page.keyboard.type("k");
  assert.match(await page.inputValue("#user-attributes"), /k$/, "in a field a letter is a letter");
  assert.equal(await page.getAttribute("#office-said", "role"), "status", "a screen reader hears what it came to");
  assert.deepEqual(await breaches(page), []);
  await close();
});

test("another page of this machine gets nothing from it", async () => {
  const other = await start();
  const { page, complaints } = await open(browser, other.url);
  const target = `${server.url}/_console/signed/admin/blocks`;
  const sent = await page.evaluate(async (url) => {
    const body = JSON.stringify({ user_id: "victim" });
    const answers = [];
    for (const options of [{ headers: { "Content-Type": "application/json" } }, { mode: "no-cors" }]) {
      answers.push(await fetch(url, { method: "POST", body, ...options }).then(() => "sent", () => "refused"));
    }
    return answers;
  }, target);
  assert.deepEqual(sent, ["refused", "refused"], "its own policy already keeps the page from asking elsewhere");
  await page.context().close();

  // A page without such a policy: the server refuses what the browser lets it send.
  const context = await browser.newContext();
  const hostile = await context.newPage();
  await hostile.goto(`${other.url}/other`);
  const answered = [];
  hostile.on("response", (response) => response.url() === target && answered.push(response.status()));
  await hostile.evaluate((url) => fetch(url, { method: "POST", body: JSON.stringify({ user_id: "victim" }), mode: "no-cors" }), target);
  assert.deepEqual(answered, [403]);
  await context.close();
  assert(complaints.length > 0, "the first page's attempts were seen");
  await other.stop();
});
