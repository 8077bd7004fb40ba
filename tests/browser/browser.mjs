// Debian's Chromium, driven by Playwright. Every page is watched. A test fails if its page's policy blocks anything, the
// browser console reports an error, or the page sends a request to another origin.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

/** Opens `url` in a context of its own. `close` asserts that nothing was complained of. */
export async function open(browser, url, { scheme = "light", width = 1280, height = 900, scale = 1 } = {}) {
  const origin = new URL(url).origin;
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height }, deviceScaleFactor: scale, permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    // Many tests provoke refusals of the API, and Chromium logs each.
    const refusal = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
    if (["error", "warning"].includes(message.type()) && !refusal) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin && !request.url().startsWith("data:")) complaints.push(`asked elsewhere: ${request.url()}`);
  });
  await page.addInitScript(() => {
    window.violations = [];
    addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
  });
  await page.goto(url);
  await page.waitForSelector("html[data-ready]");
  return {
    page,
    complaints,
    async close() {
      const violations = await page.evaluate(() => window.violations);
      await context.close();
      assert.deepEqual([...complaints, ...violations], []);
    },
  };
}

/** Presses a control of the console and waits until it is done. */
export async function press(page, id) {
  await page.click(`#${id}`);
  await settled(page);
}

/** Chooses the generation whose old tokens are used. */
export const choose = (page, generation) => page.selectOption("#old", String(generation));

/** Waits until nothing is under way, and the log has what the last answer is about. */
export async function settled(page) {
  await page.waitForFunction(() => {
    // Once the log is cleared it has no entry to wait for.
    if (document.getElementById("log").textContent === "Cleared.") return !document.body.hasAttribute("aria-busy");
    const requests = ["answer", "office-answer"].map((id) => document.getElementById(id).dataset.request).filter(Boolean);
    return !document.body.hasAttribute("aria-busy") && requests.every((request) => document.querySelector(`.entry[data-request="${request}"]`));
  });
}

/** What the answer's panel says: `{status, means}`. */
export const answer = async (page) => ({ status: Number(await page.textContent("#answer .status")), means: await page.textContent("#answer .means") });

/** What the back office's panel says: `{status, means, request, answer}`, the last two as they are shown. */
export async function officeAnswer(page) {
  const [status, means, request, answer] = await Promise.all(["#office-said .status", "#office-said .means", "#office-exchange pre[aria-label=Request]", "#office-exchange pre[aria-label=Answer]"].map((part) => page.textContent(part)));
  return { status: Number(status), means, request, answer };
}

/** The accessibility rules of WCAG 2.2 AA that axe can judge; every breach is one line. */
export async function breaches(page) {
  // The debugger injects it into the page's own world, because the page's policy allows no other script.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
  });
}
