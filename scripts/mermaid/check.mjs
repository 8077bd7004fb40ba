// Parses every mermaid diagram of the Markdown files named as arguments; scripts/mermaid-check calls it.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

// mermaid cleans texts by the browser it believes to be in.
const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import("mermaid");

let diagrams = 0;
let wrong = 0;
for (const file of process.argv.slice(2)) {
  const markdown = readFileSync(file, "utf8");
  for (const block of markdown.matchAll(/^```mermaid\n(.*?)^```/gms)) {
    diagrams += 1;
    try {
      await mermaid.parse(block[1]);
    } catch (error) {
      wrong += 1;
      const line = markdown.slice(0, block.index).split("\n").length;
      console.error(`${file}: the diagram at line ${line}: ${error.message}`);
    }
  }
}
console.log(`mermaid-check: ${diagrams} diagrams, ${wrong} wrong`);
process.exit(diagrams > 0 && wrong === 0 ? 0 : 1);
