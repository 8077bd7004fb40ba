// axe's findings on the console, in both palettes, on a wide screen and on a phone's. scripts/console-check runs it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { breaches, choose, launch, open, press } from "./browser.mjs";
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

for (const scheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe has nothing to say: ${scheme}, ${width} pixels`, async () => {
      const { page, close } = await open(browser, server.url, { scheme, width });
      assert.deepEqual(await breaches(page), []);
      await page.check("#bind");
      await press(page, "log-in");
      for (const id of ["me", "steal", "refresh", "old-me", "replay", "refresh"]) await press(page, id);
      await choose(page, 0);
      await press(page, "replay");
      await press(page, "issue");
      await press(page, "set-attributes");
      for (const summary of await page.$$("details:not([open]) > summary")) await summary.click();
      assert.deepEqual(await breaches(page), []);
      const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert(content <= window, `${content} pixels of content in ${window}`);
      await page.click("#open-help");
      assert.deepEqual(await breaches(page), []);
      await close();
    });
  }
}
