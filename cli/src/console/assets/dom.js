// Elements without markup in strings: the page's policy forbids making any from text.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);

/** An element. `props` are attributes; `on…` are listeners; null and false leave an attribute out. */
export const h = (name, props = {}, ...children) => fill(document.createElement(name), props, children);

/** The same for SVG. */
export const s = (name, props = {}, ...children) => fill(document.createElementNS(SVG, name), props, children);

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Puts a text on the clipboard, and says so on the button for a moment. */
export async function copy(button, text) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = label), 1200);
}

/** `4:59`, `23 h 59 min`, `6 d 23 h`; "expired" where nothing is left. */
export function left(ms) {
  const seconds = Math.ceil(ms / 1000);
  if (seconds <= 0) return "expired";
  const [d, hours, min, sec] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  if (d > 0) return `${d} d ${hours} h`;
  if (hours > 0) return `${hours} h ${min} min`;
  return `${min}:${String(sec).padStart(2, "0")}`;
}

/** `840 ms`, `12 s`, `3 min`, `2 h`, `6 d`. */
export function span(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 48 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / (24 * 3_600_000))} d`;
}

/** A time of today as `23:52:13`; any other with its date, and how long ago it is. Both are Dates. */
export function when(time, now) {
  const clock = { hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  if (time.toDateString() === now.toDateString()) return time.toLocaleTimeString([], clock);
  const date = time.toLocaleString([], { ...clock, second: undefined, year: "numeric", month: "short", day: "numeric" });
  return `${date} (${span(now - time)} ago)`;
}

/** The beginning of an id, as everywhere on this page. */
export const begins = (id) => `${id.slice(0, 6)}…`;
