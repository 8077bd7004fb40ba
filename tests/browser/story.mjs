// Plays a short story on the console and takes the picture for the README: `node story.mjs FILE`.

import { choose, launch, open, press, settled } from "./browser.mjs";
import { start } from "./server.mjs";

const [file, scheme = "light", width = "1360", height = "1180"] = process.argv.slice(2);
const server = await start({ REPLAY_WINDOW: "20s" });
const browser = await launch();
const { page, close } = await open(browser, server.url, { scheme, width: Number(width), height: Number(height) });
await page.fill("#device", "Phone");
await press(page, "log-in");
await press(page, "refresh");
await page.fill("#device", "Laptop");
await press(page, "log-in");
for (const id of ["me", "lose", "refresh", "old-me", "eight"]) await press(page, id);
await choose(page, 0);
await press(page, "replay");
await page.selectOption("#as", { index: 0 });
await page.waitForTimeout(26_500);
await press(page, "replay");
await page.selectOption("#as", { index: 1 });
await settled(page);
await press(page, "me");
await page.waitForTimeout(600);
await page.screenshot({ path: file });
await close();
await browser.close();
await server.stop();
