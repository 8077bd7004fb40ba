// A token, taken apart. Nothing here is secret knowledge: docs/adr/0004-256-characters.md has the grammar.

import { begins, copy, h, left } from "./dom.js";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const FIELDS = [
  ["prefix", 4],
  ["user key", 22],
  ["login id", 22],
  ["generation", 5],
  ["proof", 43],
  ["secret", 154],
  ["check", 6],
];

/** Base64url digits, most significant first. */
export const number = (digits) => [...digits].reduce((sum, digit) => sum * 64 + DIGITS.indexOf(digit), 0);

/** CRC-32/ISO-HDLC of ASCII text. */
export function crc32(text) {
  let crc = 0xffffffff;
  for (const character of text) {
    crc ^= character.charCodeAt(0);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** `{prefix, "user key", …}`, and whether the check characters are right. */
export function takeApart(token) {
  let at = 0;
  const parts = Object.fromEntries(FIELDS.map(([name, length]) => [name, token.slice(at, (at += length))]));
  return { parts, generation: number(parts.generation), checkHolds: number(parts.check) === crc32(token.slice(0, 250)) };
}

/** What the table keeps of a token: base64url of its SHA-256. */
export async function hashOf(token) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

const says = {
  prefix: ({ prefix }) => (prefix === "lka_" ? "access: for the API" : "refresh: for the next pair"),
  "user key": (parts) => `${begins(parts["user key"])}, the user's partition`,
  "login id": (parts) => `${begins(parts["login id"])}, the same until the log-out`,
  generation: (_, generation) => `${generation}, one more with each refresh`,
  proof: ({ prefix }) => (prefix === "lka_" ? "derived from the refresh proof" : "256 bits, drawn at the log-in") + "; tells a genuine old token from an invention",
  secret: () => "924 bits from this session's own seed",
  check: (_, __, holds) => (holds ? "CRC-32 of the 250 before; it holds" : "CRC-32: wrong"),
};

/** A card for one token of a pair. `expires` is a Date, `lifetime` seconds or null. */
export function tokenCard(kind, token, expires, lifetime) {
  const { parts, generation, checkHolds } = takeApart(token);
  const hash = h("code", { class: "hash" }, "…");
  hashOf(token).then((text) => (hash.textContent = text));
  const name = kind === "access" ? "Access token" : "Refresh token";
  const bar = h("span");
  return h(
    "article",
    { class: `token ${kind}`, "data-expires": expires.getTime(), "data-lifetime": lifetime ? lifetime * 1000 : null, "aria-label": name },
    h("header", {}, h("h3", {}, name), h("p", { class: "countdown" }, "expires in ", h("time", { class: "rest", datetime: expires.toISOString() }, left(expires - Date.now())))),
    h("div", { class: "lifetime", "aria-hidden": "true" }, bar),
    h("p", { class: "text", "aria-label": `${name}, 256 characters, in ${FIELDS.length} fields` }, FIELDS.map(([field]) => h("span", { class: `f-${field.replace(" ", "-")}`, title: field }, parts[field]))),
    h(
      "dl",
      {},
      FIELDS.map(([field, length]) =>
        h("div", {}, h("dt", { class: `f-${field.replace(" ", "-")}` }, field, " ", h("small", {}, length)), h("dd", {}, says[field](parts, generation, checkHolds))),
      ),
    ),
    h("p", { class: "stored" }, h("span", {}, "The table keeps only its SHA-256: "), hash),
    h(
      "p",
      { class: "buttons" },
      h("button", { type: "button", class: "quiet", onclick: (event) => copy(event.currentTarget, token) }, `Copy the ${kind} token`),
      h("button", { type: "button", class: "quiet", onclick: (event) => copy(event.currentTarget, hash.textContent) }, "Copy its hash"),
    ),
  );
}

/** Brings the countdowns of the cards under `parent` up to date. */
export function countDown(parent, now = Date.now()) {
  for (const card of parent.querySelectorAll(".token")) {
    const rest = Number(card.dataset.expires) - now;
    const text = left(rest);
    const time = card.querySelector(".rest");
    if (time.textContent !== text) time.textContent = text;
    card.classList.toggle("expired", rest <= 0);
    const lifetime = Number(card.dataset.lifetime);
    if (lifetime) card.querySelector(".lifetime span").style.width = `${Math.max(0, Math.min(100, (100 * rest) / lifetime))}%`;
  }
}
