// The screen for all: the picture, what it is, and the code that leads phones here. Nothing can be pressed.
import { $, load, make, say, set, stars, still, text } from "./dom.js";
import { follow } from "./link.js";

const FADE_MS = 1200;
const CODE_MS = 12000; // Wi-Fi and page by turns
const SHIFT_MS = 300000, SHIFT_PX = [[0, 0], [4, 2], [-2, 4], [-4, -2], [2, -4]];
const LIVE_MS = 40000, SLIDE_MS = 12000; // between two past pictures, and of one of them
const LONG_NAME = 26;
const SHORT_ADDRESS = 28;

let state = null, want = null, newest = null;
let slide = null, turn = -1, changed = Date.now(), asking = false, retry = 0;
let begun = 0, share = 0, seconds = null;

function show(next) {
  state = next;
  document.title = next.name || say("title");
  const chosen = next.present || {};
  document.body.classList.toggle("zoom", Boolean(chosen.zoom));
  document.body.classList.toggle("fade", chosen.fade !== false);
  document.body.classList.toggle("over", Boolean(next.ended) || !next.version);
  expect(next);
  picture();
  words();
  code();
}

// The picture.
async function picture() {
  if (!state.version || !state.picture) return;
  const { sizes, width, height } = state.picture;
  const scale = Math.max(innerWidth / width, 1.16 * innerHeight / height);
  const wish = 0.8 * scale * Math.max(width, height) * Math.min(2, window.devicePixelRatio || 1);
  const size = sizes.find((one) => one >= wish) || sizes[sizes.length - 1];
  const src = `picture/${size}.jpg?v=${state.version}`;
  if (src === want) return;
  want = src;
  try {
    const image = await load(src);
    if (src !== want) return;
    const first = !newest;
    newest = image;
    if (first) back();
    else if (!slide) { lay(image); words(); }
  } catch (failed) {
    if (src !== want) return;
    want = null;
    clearTimeout(retry);
    retry = setTimeout(picture, 3000);
  }
}

// One picture over the one before; that goes when it is covered.
function lay(image) {
  const screen = $("screen"), layer = make("div", "shown", image.cloneNode());
  layer.firstChild.alt = "";
  const quick = still.matches || !document.body.classList.contains("fade") || !screen.children.length;
  const before = screen.querySelector(".shown:last-child img");
  screen.append(layer);
  if (before) steadily(before, layer.firstChild);
  layer.getBoundingClientRect(); // from nought on
  layer.classList.add("on");
  setTimeout(() => { while (screen.firstChild !== layer && layer.parentNode) screen.firstChild.remove(); }, quick ? 50 : FADE_MS + 100);
}

// The slow zoom goes on where it is: the new picture lies on the old one, star on star.
function steadily(before, after) {
  const old = before.getAnimations ? before.getAnimations()[0] : null, now = after.getAnimations ? after.getAnimations()[0] : null;
  if (old && now && old.startTime !== null) now.startTime = old.startTime;
}

// What is said of it.
function words() {
  const seen = slide;
  const empty = !seen && !newest;
  document.body.classList.toggle("empty", empty);
  if (!empty || !state.version) document.body.classList.remove("new");
  const name = seen ? seen.name || say("kept") : state.name || say(state.version ? "title" : "starting");
  text($("name"), name);
  $("name").className = name.length > LONG_NAME ? "long" : "";
  text($("meaning"), seen ? seen.date : state.caption || state.meaning || (empty && !state.name ? "" : state.line) || "");
  const facts = empty ? [] : seen ? (seen.photos ? [say("photos", { n: seen.photos }).split(/ (.*)/)] : []) : state.facts || counted(state.summary);
  const now = JSON.stringify(facts);
  if ($("facts").dataset.now !== now) {
    $("facts").dataset.now = now;
    $("facts").replaceChildren(...facts.map(([count, what]) => make("span", "", make("b", "", String(count)), ` ${what}`)));
  }
  set($("screen"), "aria-label", `${name}. ${$("meaning").textContent}`);
}

const counted = (summary) => (summary ? summary.split(", ").map((part) => part.split(/ (.*)/)) : []);

// The code.
let codes = [], face = 0;

function code() {
  const chosen = state.present || {};
  const wifi = chosen.wifi !== false && state.ssid ? [{ src: "qr/wifi.svg", said: "join", under: state.ssid }] : [];
  const page = state.address ? [{ src: "qr/page.svg", said: "phone", under: short(state.address) }] : [];
  const now = [...wifi, ...page];
  if (JSON.stringify(now) === JSON.stringify(codes)) return;
  codes = now;
  face = 0;
  turned();
}

function short(address) {
  const said = address.replace(/^https?:\/\//, "").replace(/\/$/, "");
  return said.length <= SHORT_ADDRESS ? said : "";
}

async function turned() {
  document.body.classList.toggle("alone", !codes.length);
  if (!codes.length) { $("qr").hidden = true; return; }
  const one = codes[face % codes.length];
  try {
    const image = await load(one.src);
    if (one !== codes[face % codes.length]) return;
    image.alt = say(one.said);
    $("qr").querySelector("img").replaceWith(image);
    text($("qr-words"), say(one.said));
    text($("qr-address"), one.under);
    $("qr").hidden = false;
  } catch (failed) { /* the one before stays */ }
}

setInterval(() => { if (codes.length > 1) { face++; turned(); } }, CODE_MS);

// The line that fills until the next photo.
function expect(next) {
  begun = Date.now();
  share = typeof next.coming === "number" ? next.coming : null;
  seconds = typeof next.next_s === "number" ? next.next_s : null;
  tick();
}

function tick() {
  let part = 0;
  if (share !== null) {
    const rest = seconds === null ? 0 : seconds, passed = (Date.now() - begun) / 1000;
    part = rest > 0 ? Math.min(1, share + (1 - share) * passed / rest) : share;
  }
  $("coming").firstChild.style.width = `${(100 * part).toFixed(2)}%`;
}

setInterval(tick, 1000);

// Past nights: before the first photo always, later between the pictures if that is wished.
setInterval(() => {
  if (!state) return;
  const slides = state.slides || [], now = Date.now();
  const wished = slides.length && (!newest || (state.present && state.present.slideshow));
  if (slide && newest && (!wished || now - changed > SLIDE_MS)) { back(); return; }
  if (wished && !asking && now - changed > (slide ? SLIDE_MS : newest ? LIVE_MS : 0)) next(slides);
}, 500);

function back() {
  slide = null;
  changed = Date.now();
  lay(newest);
  words();
}

async function next(slides) {
  asking = true;
  turn = (turn + 1) % slides.length;
  const k = turn;
  try {
    const image = await load(`past/${k}.jpg?v=${slides[k].v}`);
    slide = slides[k];
    lay(image);
    words();
  } catch (failed) { /* the next one, then */ }
  changed = Date.now();
  asking = false;
}

// A still picture burns in: all words move a little every five minutes.
let shift = 0;
setInterval(() => {
  shift = (shift + 1) % SHIFT_PX.length;
  document.body.style.setProperty("--dx", `${SHIFT_PX[shift][0]}px`);
  document.body.style.setProperty("--dy", `${SHIFT_PX[shift][1]}px`);
}, SHIFT_MS);

// Where the browser may, it keeps the screen on.
async function awake() {
  if (!navigator.wakeLock || document.hidden) return;
  try { await navigator.wakeLock.request("screen"); } catch (refused) { /* then the system decides */ }
}
document.addEventListener("visibilitychange", awake);
awake();

function sky() {
  const canvas = $("stars"), dpr = window.devicePixelRatio || 1;
  canvas.width = innerWidth * dpr;
  canvas.height = innerHeight * dpr;
  stars(canvas.getContext("2d"), canvas.width, canvas.height, dpr * innerHeight / 800);
}
addEventListener("resize", () => { sky(); if (state) picture(); });
sky();
document.body.classList.add("empty", "alone", "over");
setTimeout(() => document.body.classList.remove("new"), 3000); // then even without news
follow(show, () => {}); // of a lost connection nothing is said here: the picture stays, and all comes back by itself
