// The console in a real browser: every control, by mouse and by keyboard. scripts/console-check runs it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answer, choose, launch, open, press, settled } from "./browser.mjs";
import { start } from "./server.mjs";

let browser;
let server;
const seconds = (count) => new Promise((resolve) => setTimeout(resolve, count * 1000));
const texts = (page, selector) => page.$$eval(selector, (all) => all.map((each) => each.textContent));

before(async () => {
  server = await start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A console with a login of its own. */
async function loggedIn(options) {
  const opened = await open(browser, server.url, options);
  await press(opened.page, "log-in");
  assert.deepEqual((await answer(opened.page)).status, 200);
  return opened;
}

const held = (page) => page.$$eval(".token .text", (all) => all.map((each) => each.textContent));

test("nobody is logged in: only what makes sense is enabled", async () => {
  const { page, close } = await open(browser, server.url);
  const enabled = await page.$$eval("button:not(:disabled)", (all) => all.map((each) => each.id).filter(Boolean));
  assert.deepEqual(enabled.sort(), ["block", "clear", "issue", "lift-block", "log-in", "open-help", "set-attributes"]);
  assert.equal(await page.inputValue("#username"), "demo");
  await page.fill("#password", "wrong");
  await press(page, "log-in");
  const { status, means } = await answer(page);
  assert.equal(status, 401);
  assert.match(means, /wrong/);
  await close();
});

for (const [width, height] of [[1280, 900], [360, 740]]) {
  test(`a refused login is told where it was typed, at ${width} pixels`, async () => {
    const { page, close } = await open(browser, server.url, { width, height });
    await page.fill("#password", "wrong");
    await press(page, "log-in");
    const refused = page.locator("#login-refused[role=alert]");
    assert.match(await refused.textContent(), /name or password is wrong/);
    const { y } = await refused.boundingBox();
    assert(y >= 0 && y < height, `the refusal is at ${y} of ${height}`);
    assert.equal(await page.evaluate(() => document.activeElement.id), "password");
    await page.fill("#password", "correct-horse-battery-staple");
    await press(page, "log-in");
    assert.equal(await refused.textContent(), "");
    const box = await page.locator("#answer").boundingBox();
    assert(box.y < height, `the answer is at ${box.y} of ${height}`);
    await close();
  });
}

test("only this login: the others have no row and no column", async () => {
  const { page, close } = await loggedIn();
  await page.fill("#device", "Second");
  await press(page, "log-in");
  await press(page, "me");
  const names = () => texts(page, ".names b");
  const seen = await names();
  assert(seen.includes("Laptop") && seen.includes("Second"), seen.join());
  await page.check("#only-this");
  await page.waitForFunction(() => document.querySelectorAll(".names li").length === 1);
  assert.deepEqual(await names(), ["Second"]);
  assert.deepEqual(await texts(page, ".verb"), ["log in", "/me"]);
  await page.uncheck("#only-this");
  await page.waitForFunction(() => document.querySelectorAll(".names li").length > 1);
  await close();
});

test("a login of another client has its name once, and the device list's where there is one", async () => {
  const own = await start();
  const body = (device) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ username: "demo", password: "correct-horse-battery-staple", device }) });
  const { page, close } = await open(browser, own.url);
  await fetch(`${own.url}/login`, body("Watch"));
  await fetch(`${own.url}/login`, body(undefined));
  await page.waitForFunction(() => document.querySelectorAll(".names li").length === 2);
  const rows = () => page.$$eval(".names li", (all) => all.map((each) => [...each.children].map((part) => part.textContent)));
  for (const [name, more] of await rows()) assert(/…$/.test(name) && more === "elsewhere", `${name} ${more}`);
  await press(page, "log-in");
  await page.waitForFunction(() => document.querySelector(".names b").textContent === "Watch");
  assert.equal((await rows())[1][1], "elsewhere");
  await close();
  await own.stop();
});

test("both tokens are taken apart, and nothing of them is stored", async () => {
  const { page, close } = await loggedIn();
  const [access, refresh] = await held(page);
  assert.match(access, /^lka_[A-Za-z0-9_-]{252}$/);
  assert.match(refresh, /^lkr_[A-Za-z0-9_-]{252}$/);
  for (const card of await page.$$(".token")) {
    const names = await card.$$eval("dt", (all) => all.map((each) => each.textContent.trim()));
    assert.deepEqual(names, ["prefix 4", "user key 22", "login id 22", "generation 5", "proof 43", "secret 154", "check 6"]);
    const lengths = await card.$$eval(".text span", (all) => all.map((each) => each.textContent.length));
    assert.deepEqual(lengths, [4, 22, 22, 5, 43, 154, 6]);
    const says = await card.$$eval("dd", (all) => all.map((each) => each.textContent));
    assert.match(says[3], /^0,/);
    assert.match(says[6], /it holds/);
    assert.match(await card.$eval(".hash", (each) => each.textContent), /^[A-Za-z0-9_-]{43}$/);
  }
  const stored = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(stored, [0, 0, ""]);
  const [copyToken, copyHash] = await page.$$(".token.access .buttons button");
  await copyToken.click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), access);
  await copyHash.click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^[A-Za-z0-9_-]{43}$/);
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  assert.deepEqual(await held(page), []);
  await close();
});

test("expiries count down", async () => {
  const { page, close } = await loggedIn();
  const rest = () => page.textContent(".token.access .rest");
  const before = await rest();
  assert.match(before, /^(5:00|4:5\d)$/);
  await page.waitForFunction((was) => document.querySelector(".token.access .rest").textContent !== was, before);
  assert.match(await rest(), /^4:5\d$/);
  assert.match(await page.textContent(".token.refresh .rest"), /^(7 d 0 h|6 d 23 h)$/);
  await close();
});

test("a rotation: the new token is let in, the old one isn't, and its refresh token gets the same pair", async () => {
  const { page, close } = await loggedIn();
  await press(page, "me");
  assert.equal((await answer(page)).status, 200);
  await press(page, "refresh");
  assert.match((await answer(page)).means, /Generation 1 takes the place of 0/);
  const pair = await held(page);
  await press(page, "me");
  assert.equal((await answer(page)).status, 200);
  await press(page, "old-me");
  const refused = await answer(page);
  assert.equal(refused.status, 401);
  assert.match(refused.means, /generation 0 was replaced/);
  await press(page, "replay");
  assert.match((await answer(page)).means, /very same pair, generation 1/);
  assert.deepEqual(await held(page), pair);
  assert.match(await page.textContent("#tokens-note"), /generation 0 may be replayed for 0:\d\d/);
  await press(page, "refresh");
  await choose(page, 0);
  await press(page, "replay");
  const superseded = await answer(page);
  assert.equal(superseded.status, 409);
  assert.match(superseded.means, /Nothing has ended/);
  await page.click("#timeline-words >> xpath=ancestor::details/summary");
  const words = (await texts(page, "#timeline-words li")).join("\n");
  for (const part of ["session 1 takes its place", "session 0: its token was refused", "session 0: its refresh token came again and got the same pair", "too late for the pair"]) {
    assert(words.includes(part), `${part} isn't in:\n${words}`);
  }
  for (const kind of ["allowed", "denied", "replayed", "superseded"]) assert(await page.$(`.mark.${kind}`), kind);
  await close();
});

test("an answer that got lost comes again, and eight refreshes at once are one", async () => {
  const { page, close } = await loggedIn();
  const before = await held(page);
  await press(page, "lose");
  assert.match((await answer(page)).means, /thrown away/);
  assert.deepEqual(await held(page), before, "the page is where an app would be");
  assert.match(await page.textContent("#tokens-note"), /still holds generation 0/);
  await press(page, "refresh");
  assert.match((await answer(page)).means, /A replay: the very same pair, generation 1/);
  assert.notDeepEqual(await held(page), before);
  await press(page, "eight");
  assert.match((await answer(page)).means, /one rotation: all eight answers carry the same pair/);
  await press(page, "me");
  assert.equal((await answer(page)).status, 200);
  await close();
});

test("with another Idempotency-Key a replay is superseded", async () => {
  const { page, close } = await loggedIn();
  await page.click("details:has(#key) summary");
  await page.fill("#key", "mine");
  await press(page, "refresh");
  await page.fill("#key", "a thief's".replace(" ", "-"));
  await press(page, "replay");
  assert.equal((await answer(page)).status, 409);
  await page.fill("#key", "mine");
  await press(page, "replay");
  assert.equal((await answer(page)).status, 200);
  await close();
});

test("reuse after the window ends the login, and the drawing shows it", async () => {
  const quick = await start({ REPLAY_WINDOW: "10s" });
  const { page, close } = await open(browser, quick.url);
  await press(page, "log-in");
  await press(page, "refresh");
  // Until a new token is used, the old one may be a lost answer's. After that it is reuse, once its window and 5 s more have passed.
  await press(page, "me");
  await seconds(16.5);
  await press(page, "replay");
  const { status, means } = await answer(page);
  assert.equal(status, 401);
  assert.match(means, /reuse: two parties hold it/);
  await page.waitForSelector("#answer .logged");
  assert.match(await page.textContent("#answer .logged"), /refresh_reused/);
  await page.waitForSelector(".end.reuse");
  assert.match(await page.textContent("#tokens-note"), /the login is over \(reuse\)/);
  await press(page, "me");
  assert.equal((await answer(page)).status, 401);
  await close();
  await quick.stop();
});

test("the device list: ending one, all others, everything", async () => {
  const { page, close } = await loggedIn();
  await press(page, "log-out-others");
  const rows = () => page.$$eval("#devices li", (all) => all.map((each) => each.querySelector("b")?.textContent));
  await page.fill("#device", "Phone");
  await press(page, "log-in");
  await page.fill("#device", "Watch");
  await press(page, "log-in");
  assert.deepEqual(await rows(), ["Watch", "Phone", "Laptop"]);
  assert.equal(await page.textContent("#devices li.current b"), "Watch");
  await page.click("#devices li:has-text('Phone') button");
  await settled(page);
  assert.match((await answer(page)).means, /is over/);
  assert.deepEqual(await rows(), ["Watch", "Laptop"]);

  // The laptop acts: its login is marked as current, and the phone's is shown as ended.
  const options = await texts(page, "#as option");
  assert(options.some((text) => text.startsWith("Phone") && text.endsWith("ended")), options.join());
  await page.selectOption("#as", { index: 0 });
  await page.waitForFunction(() => document.querySelector("#devices li.current b")?.textContent === "Laptop");
  await press(page, "me");
  assert.equal((await answer(page)).status, 200);
  await press(page, "log-out-others");
  assert.deepEqual(await rows(), ["Laptop"]);
  await press(page, "log-out-all");
  assert.match((await answer(page)).means, /No login of this user/);
  await press(page, "reload-devices");
  assert.match(await page.textContent("#devices"), /Refused/);
  await close();
});

test("a log-out ends this login", async () => {
  const { page, close } = await loggedIn();
  await press(page, "log-out");
  assert.equal((await answer(page)).status, 204);
  await press(page, "refresh");
  const { status, means } = await answer(page);
  assert.equal(status, 401);
  assert.match(means, /the login is over/);
  assert(await page.$(".end:not(.reuse)"));
  await close();
});

test("the log has what the store was asked, of everybody's requests, and no secret", async () => {
  const { page, close } = await loggedIn();
  await press(page, "refresh");
  const [access, refresh] = await held(page);
  const entry = await page.textContent(".entry:has(b:text-is('POST /refresh'))");
  assert.match(entry, /2 calls · 1 read unit · 10 write units/);
  assert.match(entry, /Query/);
  assert.match(entry, /begins_with\(sk, [A-Za-z0-9_-]{6}…\)/);
  assert.match(entry, /TransactWriteItems/);
  assert.match(entry, /Deletesession.*#0000000000/i);
  assert.match(entry, /attribute_exists\(sk\) AND generation = :current/);
  assert.match(entry, /refresh_rotated/);
  await press(page, "me");
  assert.match(await page.textContent(".entry:first-child"), /authorizer.*Query.*1 RU/);

  // curl's request is shown too; a malformed token costs no store call.
  await fetch(`${server.url}/refresh`, { method: "POST", headers: { Authorization: "Bearer lkr_short" } });
  await page.waitForSelector(".entry:first-child:has-text('The store was not asked.')");
  const text = await page.textContent("#log");
  for (const token of [access, refresh]) assert(!text.includes(token.slice(53, 80)), "a token is in the log");
  assert(!text.includes("correct-horse"));
  await press(page, "clear");
  assert.equal(await page.textContent("#log"), "Cleared.");
  await close();
});

/** What the page has sent in the header `DPoP`, by path. */
function proofsOf(page) {
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && sent.push({ path: new URL(request.url()).pathname, proof: request.headers().dpop }));
  return sent;
}

const part = (proof, index) => JSON.parse(Buffer.from(proof.split(".")[index], "base64url"));

test("a login that is bound to a key: a thief with the copied token gets nothing, and the login lives on", async () => {
  const { page, close } = await open(browser, server.url);
  await page.addInitScript(() => {
    const generate = crypto.subtle.generateKey.bind(crypto.subtle);
    window.keys = [];
    crypto.subtle.generateKey = async (...input) => {
      const pair = await generate(...input);
      window.keys.push(pair.privateKey.extractable);
      return pair;
    };
  });
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  const sent = proofsOf(page);
  await page.check("#bind");
  await press(page, "log-in");
  assert.match((await answer(page)).means, /bound to this page’s key/);
  assert.match(await page.textContent("#devices .current"), /bound to a key/);
  assert.match(await page.textContent("#tokens-note"), /bound to a key, generation 0/);

  for (const generation of [1, 2]) {
    const before = await held(page);
    await press(page, "steal");
    const { status, means } = await answer(page);
    assert.deepEqual([status, /can’t sign|can't sign/.test(means)], [401, true], means);
    await page.waitForSelector("#answer .logged");
    assert.match(await page.textContent("#answer .logged"), /refresh_key_mismatch no_proof/);
    assert.deepEqual(await held(page), before, "nothing has changed for the page");
    await press(page, "refresh");
    assert.match((await answer(page)).means, new RegExp(`Generation ${generation} takes the place`));
    await press(page, "me");
    assert.equal((await answer(page)).status, 200, "the login lives on");
  }
  await press(page, "lose");
  await press(page, "refresh");
  assert.match((await answer(page)).means, /^A replay/, "an answer that was lost comes back to the key’s owner");

  const proofs = sent.filter(({ path, proof }) => proof !== undefined && ["/login", "/refresh"].includes(path)).map(({ proof }) => proof);
  assert.equal(proofs.length, 5, "one login and four refreshes are signed, the thief’s two are not");
  assert.equal(new Set(proofs.map((proof) => part(proof, 1).jti)).size, 5);
  assert.deepEqual(Object.keys(part(proofs[0], 0).jwk).sort(), ["crv", "kty", "x", "y"]);
  assert.deepEqual(await page.evaluate(() => window.keys), [false], "one key, which no script can copy");
  await close();
});

test("without a key the copied token is enough for a thief", async () => {
  const { page, close } = await loggedIn();
  assert.doesNotMatch(await page.textContent("#devices .current"), /bound to a key/);
  const before = await held(page);
  await press(page, "steal");
  const { status, means } = await answer(page);
  assert.deepEqual([status, /^The copied token is enough: the thief has generation 1/.test(means)], [200, true], means);
  assert.deepEqual(await held(page), before);
  assert.match(await page.textContent("#tokens-note"), /holds generation 0, and a thief has the newer pair/);
  await close();
});

test("the page offers what the service’s DPOP allows", async () => {
  for (const [DPOP, hidden, checked] of [["off", true, false], ["required", false, true]]) {
    const own = await start({ DPOP });
    const { page, close } = await open(browser, own.url);
    assert.equal(await page.isHidden("#bind-label"), hidden, DPOP);
    assert.deepEqual([await page.isChecked("#bind"), await page.isDisabled("#bind")], [checked, checked], DPOP);
    await press(page, "log-in");
    assert.equal((await answer(page)).status, 200);
    assert.equal(/bound to a key/.test(await page.textContent("#devices .current")), checked, DPOP);
    await close();
    await own.stop();
  }
});

test("by keyboard alone", async () => {
  const { page, close } = await open(browser, server.url);
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the actions");
  const walked = [];
  for (let stops = 0; stops < 40 && walked.at(-1) !== "log-in"; stops++) {
    await page.keyboard.press("Tab");
    walked.push(await focused());
  }
  assert.deepEqual(walked, ["API reference", "open-help", "username", "device", "password", "bind", "log-in"]);
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid", "focus is seen");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".token");
  await settled(page);

  // The keyboard reaches every control that acts, in reading order.
  const reached = [];
  for (let stops = 0; stops < 50 && reached.at(-1) !== "clear"; stops++) {
    await page.keyboard.press("Tab");
    reached.push(await focused());
  }
  const order = ["as", "me", "refresh", "lose", "eight", "steal", "log-out", "log-out-all", "reload-devices", "log-out-others", "office-user", "issue", "set-attributes", "block", "lift-block", "clear"];
  assert.deepEqual(reached.filter((id) => order.includes(id)), order);

  for (const [key, status] of [["m", 200], ["r", 200], ["p", 200], ["o", 401], ["y", 200], ["r", 200], ["b", 200], ["t", 200], ["r", 200], ["d", 200], ["x", 204]]) {
    await page.keyboard.press(key);
    await settled(page);
    if (key !== "d") assert.equal((await answer(page)).status, status, key);
  }
  await page.keyboard.press("l");
  await settled(page);
  await page.keyboard.press("e");
  await settled(page);
  assert.equal((await answer(page)).status, 204);
  await page.keyboard.press("c");
  assert.equal(await page.textContent("#log"), "Cleared.");

  await page.keyboard.press("?");
  await page.waitForSelector("#help[open]");
  assert((await texts(page, "#shortcut-list dt")).length >= 12);
  await page.uncheck("#shortcuts-on");
  await page.keyboard.press("Escape");
  const before = await page.textContent("#answer");
  await page.keyboard.press("m");
  await settled(page);
  assert.equal(await page.textContent("#answer"), before, "shortcuts are off");
  await page.focus("#device");
  await page.check("#shortcuts-on", { force: true }).catch(() => page.evaluate(() => (document.getElementById("shortcuts-on").checked = true)));
  await page.keyboard.type("mr");
  assert.match(await page.inputValue("#device"), /mr/, "in a field a letter is a letter");
  await close();
});

test("a server that is gone is told, and its successor is listened to", async () => {
  const own = await start();
  const { page } = await open(browser, own.url);
  await page.waitForSelector(".connection.live");
  const { code, ms } = await own.stop();
  assert.equal(code, 0);
  assert(ms < 5000, `an open console keeps the server from stopping: ${ms} ms`);
  await page.waitForSelector(".connection.lost");
  await press(page, "log-in");
  assert.match(await page.textContent("#answer .means"), /No answer/);
  await page.context().close();
});

test("the API reference follows dark mode", async () => {
  for (const [scheme, dark] of [["light", false], ["dark", true]]) {
    const { page, close } = await open(browser, `${server.url}/docs`, { scheme });
    await page.waitForSelector(".opblock");
    const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = background.match(/\d+/g).slice(0, 3).every((part) => Number(part) > 200 || background.endsWith(", 0)"));
    assert.equal(!light, dark, `${scheme}: ${background}`);
    await page.click("#operations-Login-login .opblock-summary-control");
    const name = await page.waitForSelector("#operations-Login-login table.headers td");
    const brightness = await name.evaluate((cell) => Math.min(...getComputedStyle(cell).color.match(/\d+/g).slice(0, 3).map(Number)));
    assert.equal(brightness > 150, dark, `${scheme}: a header's name has brightness ${brightness}`);
    await close();
  }
});

test("the API reference: everything is shown, and what is tried is answered", async () => {
  const { page, close } = await open(browser, `${server.url}/docs`);
  await page.waitForSelector(".opblock");
  assert.equal((await page.$$(".opblock")).length >= 7, true);
  assert.equal(await page.inputValue(".servers select"), server.url);
  await page.click("#operations-Login-login .opblock-summary-control");
  await page.click("#operations-Login-login .execute");
  const live = await page.waitForSelector("#operations-Login-login .live-responses-table tbody .response-col_status");
  assert.match(await live.textContent(), /200/);
  await close();
});
