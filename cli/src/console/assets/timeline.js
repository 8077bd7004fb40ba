// The drawing of the lanes. Columns are as wide as each other, whatever time lies between: requests are what counts.

import { $, begins, h, s, span } from "./dom.js";
import { inWords, verbOf } from "./lanes.js";

const COLUMN = 64;
const LANE = 66;
const BAR = { top: 36, height: 22 };
const HEAD = 40;
const SHOWN = { columns: 60, lanes: 8 };

const MIDDLE = BAR.top + BAR.height / 2;

/** Draws `model`, as lanes.js gives it. `name` gives a login's name, `isCurrent` says which one acts. */
export function drawTimeline(model, name, isCurrent) {
  if (model.columns.length === 0) return;
  const first = Math.max(0, model.columns.length - SHOWN.columns);
  const shown = model.lanes.filter((lane) => isCurrent(lane) || isSeen(lane, first)).slice(-SHOWN.lanes);
  const hidden = model.lanes.length - shown.length;
  $("timeline-note").textContent = hidden > 0 ? `${hidden} earlier ${hidden === 1 ? "login is" : "logins are"} left out` : "";

  const columns = model.columns.length - first + 1;
  const end = columns * COLUMN;
  // A column more than there is to show, so that the view can end where a column begins: a label is whole or out of sight.
  const width = end + (end > $("timeline").clientWidth ? COLUMN : 0);
  const height = HEAD + shown.length * LANE + 6;
  const x = (column) => (column - first) * COLUMN + COLUMN / 2;
  const picture = s(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Logins as lines of sessions; the same in words is below" },
    model.columns.slice(first).map((column, place) => columnHead(column, x(first + place), model.columns[first + place - 1], height)),
    shown.map((lane, row) => s("g", { class: "lane", transform: `translate(0 ${HEAD + row * LANE})` }, drawLane(lane, x, first, end))),
  );
  const names = h(
    "ul",
    { class: "names" },
    shown.map((lane) => h("li", { class: lane.ended ? "over" : isCurrent(lane) ? "current" : null }, h("b", {}, name(lane) ?? begins(lane.loginId)), h("small", {}, lane.ended?.how ?? (name(lane) ? begins(lane.loginId) : "elsewhere")))),
  );
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Timeline" }, picture);
  $("timeline").replaceChildren(names, scroller);
  scroller.scrollLeft = Math.max(0, Math.ceil((end - scroller.clientWidth) / COLUMN)) * COLUMN;
  $("timeline-words").replaceChildren(...inWords(model, (lane) => name(lane) ?? begins(lane.loginId)).map((text) => h("li", {}, text)));
}

/** Whether anything of the lane happens from the column `first` on. */
const isSeen = (lane, first) => lane.ended?.column >= first || lane.sessions.at(-1).from >= first || lane.marks.at(-1)?.column >= first;

function columnHead(column, x, before, height) {
  const gap = before ? `+${span(Math.max(0, column.at - before.at))}` : "";
  return s(
    "g",
    {},
    s("line", { class: "grid", x1: x, x2: x, y1: HEAD - 4, y2: height }),
    s("text", { class: "verb", x, y: 14 }, verbOf(column)),
    s("text", { class: `gap s${Math.floor(column.status / 100)}`, x, y: 28 }, column.status >= 400 ? String(column.status) : gap),
  );
}

function drawLane(lane, x, first, width) {
  const visible = lane.sessions.filter((session) => session.to === null || session.to > first || lane.ended?.column === session.to);
  const left = (session) => Math.max(0, x(session.from));
  const right = (session) => (session.to === null ? width : x(session.to));
  const bars = visible.map((session) => {
    const [from, to] = [left(session), Math.max(left(session) + 3, right(session) - 3)];
    const classes = `bar ${session.generation % 2 ? "odd" : "even"}${session.to === null ? " alive" : ""}`;
    const label = to - from > 12 ? s("text", { class: "generation", x: from + 9, y: MIDDLE + 4 }, String(session.generation)) : null;
    const shape = session.to === null ? arrow(from, to, classes) : s("rect", { class: classes, x: from, y: BAR.top, width: to - from, height: BAR.height, rx: 5 });
    return s("g", {}, shape, label);
  });
  const place = (mark) => {
    const of = lane.sessions.find((session) => session.generation === mark.generation);
    return of && of.to !== null && of.to <= mark.column ? (Math.max(left(of), 0) + right(of)) / 2 : null;
  };
  const marks = lane.marks.filter((mark) => mark.column >= first).map((mark) => drawMark(mark, x(mark.column), place(mark)));
  const ended = lane.ended && lane.ended.column >= first ? drawEnd(lane.ended, x(lane.ended.column)) : null;
  return [bars, marks, ended].flat();
}

/** A bar that goes on. */
function arrow(from, to, classes) {
  const { top, height } = BAR;
  const d = `M${from + 5} ${top} H${to - 10} L${to} ${MIDDLE} L${to - 10} ${top + height} H${from + 5} Q${from} ${top + height} ${from} ${top + height - 5} V${top + 5} Q${from} ${top} ${from + 5} ${top} Z`;
  return s("path", { class: classes, d });
}

/** A dot on the session that is alive, or an arc to the one that the token belonged to. */
function drawMark(mark, x, origin) {
  const title = s("title", {}, `generation ${mark.generation}: ${mark.kind}`);
  if (origin === null) return s("g", { class: `mark ${mark.kind}` }, title, s("circle", { cx: x, cy: MIDDLE, r: 5 }));
  const peak = Math.max(-6, BAR.top - 20 - Math.abs(x - origin) / 10);
  return s(
    "g",
    { class: `mark ${mark.kind}` },
    title,
    s("path", { class: "arc", d: `M${x} ${BAR.top - 2} C${x} ${peak}, ${origin} ${peak}, ${origin} ${BAR.top - 3}` }),
    s("path", { class: "tip", d: `M${origin - 4} ${BAR.top - 8} L${origin} ${BAR.top - 1} L${origin + 4} ${BAR.top - 8} Z` }),
    s("circle", { cx: x, cy: BAR.top - 2, r: 5 }),
  );
}

function drawEnd({ how }, x) {
  const reuse = how === "reuse";
  const sign = reuse
    ? s("path", { d: `M${x - 6} ${MIDDLE - 6} l12 12 M${x + 6} ${MIDDLE - 6} l-12 12` })
    : s("rect", { x: x - 3, y: BAR.top - 3, width: 5, height: BAR.height + 6, rx: 1.5 });
  return s("g", { class: reuse ? "end reuse" : "end" }, s("title", {}, how), sign);
}
