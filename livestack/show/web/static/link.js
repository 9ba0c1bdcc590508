// The state of the night as it changes: by a socket, else by events, else by asking. Comes back by itself.
const LOST_MS = 4000; // so long nothing is said of a lost connection
const SILENT_MS = 20000; // the server speaks every 15 s
const ASK_MS = 3000;
const PATIENCE_MS = 5000; // for an answer
const CLIMB_MS = 60000; // after so long of asking the better ways are tried again
const FULL = 1013; // the server says so: it has no room for one more socket
const WAYS = [bySocket, byEvents, byAsking];

// `told(state)` hears of every state; `cut(lost)` once a second, whether the connection is lost.
export function follow(told, cut) {
  const link = { told, way: 0, open: null, misses: 0, heard: 0, down: Date.now(), timer: 0, asking: false, climb: 0 };
  link.hear = (data) => hear(link, data);
  ask(link).then((static_) => { if (!static_) begin(link); });
  setInterval(() => watch(link, cut), 1000);
  addEventListener("online", () => again(link));
  addEventListener("offline", () => fall(link));
  addEventListener("pageshow", (event) => { if (event.persisted) again(link); });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - link.heard > ASK_MS) ask(link).then(() => { if (!link.open) again(link); });
  });
}

function hear(link, data) {
  link.heard = Date.now();
  link.down = 0;
  link.misses = 0;
  let state;
  try { state = JSON.parse(data); } catch (broken) { return; }
  if (!("version" in state)) return; // only a sign of life
  if (state.static) link.done = true;
  link.told(state);
}

// One question; the answer also tells whether we are cut off. Returns whether there is nothing to follow.
async function ask(link) {
  if (link.asking) return false;
  link.asking = true;
  const stop = window.AbortController ? new AbortController() : null;
  const timer = setTimeout(() => stop && stop.abort(), PATIENCE_MS);
  try {
    const answer = await fetch("state.json", { cache: "no-store", signal: stop ? stop.signal : undefined });
    if (!answer.ok) throw new Error(String(answer.status));
    link.hear(await answer.text());
  } catch (failed) {
    fall(link);
  } finally {
    clearTimeout(timer);
    link.asking = false;
  }
  return Boolean(link.done);
}

function watch(link, cut) {
  if (link.done) return;
  const now = Date.now();
  if (!document.hidden && !link.down && now - link.heard > SILENT_MS) ask(link).then(() => { if (!link.down && link.way === 0) again(link); });
  if (link.way === WAYS.length - 1 && link.climb && now > link.climb) { link.way = 0; link.climb = 0; again(link); }
  cut(Boolean(link.down && now - link.down > LOST_MS));
}

function begin(link) {
  clearTimeout(link.timer);
  if (link.done || link.open) return;
  WAYS[link.way](link);
}

function again(link) {
  drop(link);
  begin(link);
}

function drop(link) {
  const open = link.open;
  link.open = null;
  if (open) open.close();
}

// The connection is gone: what is on screen stays, and it is tried again.
function fall(link) {
  if (!link.down) link.down = Date.now();
  drop(link);
  clearTimeout(link.timer);
  const wait = Math.min(5000, 500 * 1.5 ** Math.min(link.misses, 6));
  link.timer = setTimeout(() => begin(link), wait * (0.5 + Math.random())); // hundreds fell at once
  link.misses++;
}

// A way that never opened though the server answers (some proxies): the next one is taken.
async function refused(link) {
  drop(link);
  const before = link.heard;
  await ask(link);
  if (link.heard === before) return; // the server is away; `ask` has seen to it
  link.way = Math.min(link.way + 1, WAYS.length - 1);
  begin(link);
}

function bySocket(link) {
  let opened = false, socket;
  try {
    const url = new URL("ws", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(url.href);
  } catch (none) { link.way = 1; begin(link); return; }
  const patience = setTimeout(() => { if (!opened) socket.close(); }, PATIENCE_MS);
  link.open = socket;
  socket.onopen = () => { opened = true; };
  socket.onmessage = (event) => { if (link.open === socket) link.hear(event.data); };
  socket.onclose = (event) => {
    clearTimeout(patience);
    if (link.open !== socket) return;
    if (opened && event.code !== FULL) fall(link);
    else refused(link);
  };
}

function byEvents(link) {
  let opened = false, source;
  try { source = new EventSource("events"); } catch (none) { link.way = 2; begin(link); return; }
  link.open = source;
  source.onmessage = (event) => { opened = true; if (link.open === source) link.hear(event.data); };
  source.onerror = () => {
    if (link.open !== source) return;
    if (opened) fall(link);
    else refused(link);
  };
}

function byAsking(link) {
  if (!link.climb) link.climb = Date.now() + CLIMB_MS;
  const timer = setInterval(() => { if (!document.hidden) ask(link); }, ASK_MS);
  link.open = { close: () => clearInterval(timer) };
}
