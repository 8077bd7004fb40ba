// From what was observed to what is drawn: a lane for each login, a column for each request that concerned one. Pure.

const VERBS = {
  "POST /login": "log in",
  "POST /refresh": "refresh",
  "POST /logout": "log out",
  "GET /me": "/me",
  "GET /sessions": "devices",
  "DELETE /sessions/{login_id}": "end one",
  "DELETE /sessions": "end all",
  "POST /admin/logins": "issue",
  "POST /admin/impersonations": "act as",
  "POST /admin/logins/end": "end one",
  "POST /admin/users/end-all": "end all",
  "POST /admin/blocks": "block",
};

/** How a login ended, by the route that ended it. */
const ENDS = {
  "POST /login": "replaced",
  "POST /refresh": "reuse",
  "POST /logout": "logged out",
  "DELETE /sessions/{login_id}": "ended",
  "DELETE /sessions": "ended",
  "POST /admin/logins": "replaced",
  "POST /admin/blocks": "blocked",
};

/**
 * `{columns: [{verb, at, status, count}], lanes: [{loginId, userKey, sessions: [{generation, from, to}], marks: [{column, kind,
 * generation}], ended: {column, how} | null}]}`. `to` is null for the session that is alive. Columns count from 0. Requests
 * that follow each other and come to the same share a column. `only` is the id of a login: then the others have no lane, and what
 * concerns them alone no column.
 */
export function lanesOf(exchanges, only = null) {
  const lanes = new Map();
  const columns = [];
  let before = null;
  for (const exchange of exchanges) {
    const happened = what(exchange);
    if (happened !== null && happened === before && again(lanes, exchange, columns.length - 1)) {
      columns.at(-1).count += 1;
    } else if (follow(lanes, exchange, columns.length, only)) {
      columns.push({ verb: VERBS[operation(exchange)] ?? exchange.route, at: Date.parse(exchange.at), status: exchange.status, count: 1 });
      before = happened;
    }
  }
  return { columns, lanes: [...lanes.values()] };
}

/** What is the same of two requests that share a column. */
function what(exchange) {
  const { presented, status } = exchange;
  if (!presented || deleted(exchange).length > 0 || !["GET /me", "POST /refresh"].includes(operation(exchange))) return null;
  return [operation(exchange), presented.login_id, presented.generation, status].join(" ");
}

/** Whether the last column's mark says this too. A rotation has none, so that the first replay after it gets its own. */
function again(lanes, { presented }, column) {
  const mark = lanes.get(presented.login_id)?.marks.at(-1);
  return mark?.column === column && mark.generation === presented.generation;
}

const operation = ({ method, route }) => `${method} ${route}`;

function follow(lanes, exchange, column, only) {
  const { presented, issued, status } = exchange;
  let concerned = false;
  const laneOf = (named) => {
    const known = lanes.get(named.login_id);
    const lane = known ?? { loginId: named.login_id, userKey: named.user_key, sessions: [{ generation: named.generation, from: column, to: null }], marks: [], ended: null };
    // What happens to a lane that isn't wanted is lost with it.
    if (only !== null && named.login_id !== only) return lane;
    concerned = true;
    if (!known) lanes.set(named.login_id, lane);
    return lane;
  };
  const end = (lane, how) => {
    concerned ||= lanes.has(lane.loginId);
    if (lane.ended) return;
    lane.ended = { column, how };
    lane.sessions.at(-1).to = column;
  };
  const mark = (kind) => presented && laneOf(presented).marks.push({ column, kind, generation: presented.generation });

  switch (operation(exchange)) {
    case "POST /login":
    case "POST /admin/logins":
    case "POST /admin/impersonations":
      if (status === 200 && issued) laneOf(issued);
      break;
    case "POST /refresh":
      if (status === 200 && issued) refreshed(laneOf(issued), issued.generation, presented, column);
      else if (status === 409) mark("superseded");
      else if (logged(exchange, "refresh_reused")) mark("reused");
      else mark(status < 500 ? "denied" : "failed");
      break;
    case "POST /logout":
      if (status === 204 && presented) end(laneOf(presented), "logged out");
      break;
    case "GET /sessions":
      // This page asks for the list after each change; only a refusal is worth a column.
      if (status >= 400) mark(status < 500 ? "denied" : "failed");
      break;
    default:
      mark(status < 400 || status === 404 ? "allowed" : status < 500 ? "denied" : "failed");
  }
  if (operation(exchange) === "DELETE /sessions" && status === 204 && presented) {
    for (const lane of lanes.values()) {
      const spared = exchange.keeps_current && lane.loginId === presented.login_id;
      if (lane.userKey === presented.user_key && !spared) end(lane, "ended");
    }
  }
  for (const loginId of deleted(exchange)) {
    if (lanes.has(loginId)) end(lanes.get(loginId), ENDS[operation(exchange)] ?? "ended");
  }
  return concerned;
}

function refreshed(lane, generation, presented, column) {
  const newest = lane.sessions.at(-1);
  if (generation > newest.generation) {
    newest.to = column;
    lane.sessions.push({ generation, from: column, to: null });
  } else {
    lane.marks.push({ column, kind: "replayed", generation: presented?.generation ?? generation - 1 });
  }
}

const logged = (exchange, code) => exchange.log.some((line) => line.code === code);

/** The logins that this request deleted. */
function deleted(exchange) {
  const calls = exchange.store.filter((call) => call.outcome === "ok");
  return calls.flatMap((call) => call.touched.map((item) => item.ends).filter(Boolean));
}

/** `refresh`, or `refresh ×7`. */
export const verbOf = ({ verb, count }) => (count > 1 ? `${verb} ×${count}` : verb);

const WORDS = {
  allowed: "its access token was let in",
  denied: "its token was refused",
  failed: "the service gave no answer about it",
  replayed: "its refresh token came again and got the same pair",
  superseded: "its refresh token came again, too late for the pair and too early for reuse",
  reused: "its refresh token came again after its window: reuse",
};

/** The same as the drawing, a sentence for each thing that happened, in their order. `name` gives a login's name. */
export function inWords({ columns, lanes }, name) {
  const told = [];
  for (const lane of lanes) {
    const tell = (column, text) => told.push({ column, text: `${name(lane)}: ${text}` });
    lane.sessions.forEach((session, place) => tell(session.from, place === 0 ? `session ${session.generation} begins` : `session ${session.generation} takes its place`));
    for (const mark of lane.marks) tell(mark.column, `session ${mark.generation}: ${WORDS[mark.kind]}`);
    if (lane.ended) tell(lane.ended.column, `the login is over (${lane.ended.how})`);
  }
  return told.sort((a, b) => a.column - b.column).map(({ column, text }) => `${verbOf(columns[column])}: ${text}`);
}
