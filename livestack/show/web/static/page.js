// The page of the audience: the newest picture, its wipe and its past, and what there is to know of it.
import { card } from "./card.js";
import { $, load, say, set, text } from "./dom.js";
import { follow } from "./link.js";
import { viewer } from "./picture.js";
import { buildup, ribbon } from "./ribbon.js";
import { share } from "./share.js";

const WIPE = 0.42; // where the line rests
const TAG_PX = 120; // a side narrower than this has no tag
const SPEAK_MS = 60000; // screen readers hear of the count no more often
const GLIDE_MS = 1200; // another look is faded over slowly
const SCALE_PX = [80, 160];
const SHEET_TOP_PX = 200;

let state = null, wipe = WIPE, wipeOn = true;
let want = null, wantOne = null; // src of what is on its way or shown
let newest = null, stretch = null, spoken = 0, pending = false, closer = 0, retry = 0;

const picture = viewer($("view"), $("picture"), {
  wipe: (x) => setWipe(x / $("view").clientWidth),
  looked,
  hold: () => sharing.open(),
});
const past = buildup(() => scrubbed(true));
const time = ribbon({
  show: () => scrubbed(false),
  label: (said) => { document.body.classList.toggle("past", Boolean(said)); summary(said); },
  wanted: (steps) => past.want(steps),
  ready: () => past.size > 1,
});
const about = card({ name, opened });
const sharing = share({
  picture: () => picture.ready,
  address: () => (state && !state.static ? state.address || "" : ""),
  saved: () => `save.png?v=${state ? state.version : 0}`,
});

function name(of) {
  return of.name || say(of.photos ? (of.ended ? "kept" : "title") : of.ended ? "nothing" : "getting_ready");
}

function show(next) {
  if (state && next.lineage !== state.lineage) restart();
  state = next;
  document.body.classList.remove("new");
  const called = name(next);
  set(document.documentElement, "lang", next.lang || "en");
  text($("name"), called);
  text($("live-short"), say(next.static ? "kept" : next.ended ? "ended" : "live"));
  text($("live-wide"), say(next.static ? "kept" : next.ended ? "ended" : next.name ? "live_wide" : "live")); // the heading says it else
  document.title = next.photos ? `${called}: ${next.summary}` : called;
  past.of(next.stretch);
  time.told(next);
  about.told(next);
  summary("");
  pictures();
  speak();
  fits();
}

function restart() {
  want = wantOne = newest = null;
  wipe = WIPE;
  time.restart();
  picture.single(null);
  picture.sharpen(null);
  picture.restart();
}

function summary(said) {
  if (!state) return;
  const step = time.step;
  const shown = said || (step ? say("photos_at", step) : state.summary);
  text($("summary"), shown);
  set($("picture"), "aria-label", picture.ready ? say("picture_alt", { name: name(state), summary: shown }) : name(state));
  tags();
}

function speak() {
  if (!state.photos || Date.now() - spoken < SPEAK_MS) return;
  spoken = Date.now();
  text($("said"), state.summary);
}

// The rendition that is as sharp as this screen: the smallest that has enough px.
function rendition() {
  const sizes = state.picture.sizes, wish = picture.wish();
  return sizes.find((size) => size >= wish) || sizes[sizes.length - 1];
}

// Get what is new. Nothing on screen changes before it has been decoded.
async function pictures() {
  if (!state || !state.picture || !state.version) return;
  if (document.hidden) { pending = true; return; }
  pending = false;
  const of = state;
  picture.sized(of.picture.width, of.picture.height);
  const size = rendition(), src = `picture/${size}.jpg?v=${of.version}`;
  if (src === want) return;
  want = src;
  try {
    const isNews = newest && newest.version !== of.version; // which not all fetch at once
    if (isNews) await new Promise((on) => setTimeout(on, 1000 * Math.random() * (of.spread || 0)));
    if (src !== want) return;
    const image = await load(src);
    if (src !== want || of.lineage !== state.lineage) return;
    const ms = stretch !== null && stretch !== of.stretch ? GLIDE_MS : undefined;
    stretch = of.stretch;
    newest = { image, size, full: of.picture.full, version: of.version, ms };
    scrubbed(true);
    newest.ms = undefined;
    summary("");
  } catch (failed) {
    if (src === want) { want = null; later(); }
    return;
  }
  single(of, size);
}

// What could not be had is tried again in a moment, or with the next news.
function later() {
  clearTimeout(retry);
  retry = setTimeout(() => { if (want && newest) single(state, newest.size); else pictures(); }, 2000 + 2000 * Math.random());
}

async function single(of, size) {
  const src = of.one ? `one/${size}.jpg?v=${of.version}` : "";
  if (src === wantOne) return;
  wantOne = src;
  try {
    const image = src ? await load(src) : null;
    if (src !== wantOne) return;
    picture.single(image);
    $("knob").hidden = $("line").hidden = !image;
    tags();
  } catch (failed) {
    if (src === wantOne) { wantOne = null; later(); }
  }
}

// Show the picture of the place on the slider: the newest, or one of the build-up.
function scrubbed(quiet) {
  const step = time.step;
  if (!step) {
    if (newest) {
      picture.show(newest.image, quiet ? newest.ms : 120);
      picture.sharpen(newest.full, { width: newest.image.naturalWidth, tag: newest.full ? newest.full.version : 0 });
    }
  } else {
    const near = past.near(step.n);
    if (!near || near.n !== step.n) past.first(step.n);
    if (near) picture.show(near.image, 120);
    picture.sharpen(null);
  }
  tags();
}

// The wipe.
function setWipe(share) {
  wipe = Math.min(1, Math.max(0, share));
  wipeOn = true;
  tags();
}

function tags() {
  const both = Boolean(wantOne) && !$("knob").hidden;
  const share = both && wipeOn ? wipe : 0, wide = $("view").clientWidth, left = share * wide;
  $("view").style.setProperty("--wipe", `${100 * share}%`);
  picture.wipe(share, !document.body.classList.contains("open") || from() === "side");
  const percent = Math.round(100 * share);
  set($("knob"), "aria-valuenow", percent);
  set($("knob"), "aria-valuetext", say("wipe_at", { percent }));
  $("tag-one").hidden = !both || left < TAG_PX;
  $("tag-all").hidden = !both || wide - left < TAG_PX;
  text($("tag-one"), say("photos", { n: 1 }));
  if (state) text($("tag-all"), say("photos", { n: time.step ? time.step.n : state.photos }));
}

// A bar of round size on the sky, and which way north is.
function looked(wide) {
  clearTimeout(closer);
  closer = setTimeout(() => { if (newest && rendition() > newest.size) pictures(); }, 200);
  const known = wide && $("view").clientHeight > 300 && state && state.picture && state.picture.arcsec_px;
  $("scale").hidden = !known;
  if (!known) return;
  const px = state.picture.arcsec_px * state.picture.width / wide; // arcsec per CSS px
  const round = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000];
  const size = round.find((arcsec) => arcsec / px >= SCALE_PX[0]) || round[round.length - 1];
  const said = size < 60 ? `${size}″` : size < 3600 ? `${size / 60}′` : `${size / 3600}°`;
  $("bar").style.width = `${Math.min(2 * SCALE_PX[1], size / px)}px`;
  text($("bar-words"), said);
  set($("scale"), "aria-label", say("scale", { size: said }));
  north(state.picture.north_deg);
}

// `deg`: by how much the picture would be turned clockwise for north to be up.
function north(deg) {
  const known = typeof deg === "number", mirrored = state.picture.mirrored ? 1 : -1;
  $("compass").toggleAttribute("hidden", !known);
  if (!known) return;
  const turn = mirrored * deg * Math.PI / 180;
  const up = [Math.sin(turn), -Math.cos(turn)], side = [mirrored * Math.cos(turn), mirrored * Math.sin(turn)];
  const place = (way, length) => way.map((part) => (part * length).toFixed(1));
  set($("arrows"), "d", `M${place(up, 10)}L0 0L${place(side, 8)}`);
  for (const [id, way, length] of [["north", up, 16], ["east", side, 14]]) {
    const [x, y] = place(way, length);
    set($(id), "x", x);
    set($(id), "y", Number(y) + 4);
  }
}

// What scrolls can be scrolled by keys, and what does not takes no finger away from the picture.
function fits() {
  document.body.classList.toggle("fits", document.documentElement.scrollHeight <= window.innerHeight);
  const about = $("about"), long = about.scrollHeight > about.clientHeight && getComputedStyle(about).overflowY === "auto";
  about.toggleAttribute("tabindex", false);
  if (long) about.tabIndex = 0;
}

// Where the card lies: below, at the right over the picture, or beside it.
const from = () => getComputedStyle($("card")).getPropertyValue("--from").trim();

function opened(on) {
  const view = $("view"), where = from();
  if (where === "below") picture.cover(0, on ? Math.max(0, view.clientHeight - SHEET_TOP_PX) : 0);
  else if (where === "right") picture.cover(on ? $("card").offsetWidth : 0, 0);
  else picture.cover(0, 0, 0);
  tags();
  fits();
}

function cut(lost) {
  if (lost) text($("lost"), state && state.version && state.latest ? say("reconnecting_from", { time: state.latest }) : say("reconnecting"));
  $("lost").hidden = !lost;
  document.body.classList.toggle("cut", lost);
}

const KEYS = {
  ArrowLeft: () => time.nudge(-1),
  ArrowRight: () => time.nudge(1),
  Home: () => time.first(),
  End: () => time.now(),
  w: () => { wipeOn = !wipeOn; tags(); },
  1: () => about.choose(0),
  2: () => about.choose(1),
  3: () => about.choose(2),
  0: () => centred(1),
  "+": () => centred(picture.zoom * 1.25),
  "=": () => centred(picture.zoom * 1.25),
  "-": () => centred(picture.zoom / 1.25),
  f: () => full(),
};

function centred(zoom) {
  picture.zoomTo(zoom, $("view").clientWidth / 2, $("view").clientHeight / 2);
}

function full() {
  const root = document.documentElement, is = document.fullscreenElement || document.webkitFullscreenElement;
  const call = is ? document.exitFullscreen || document.webkitExitFullscreen : root.requestFullscreen || root.webkitRequestFullscreen;
  const asked = call && call.call(is ? document : root);
  if (asked && asked.catch) asked.catch(() => {});
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || sharing.isOpen) return;
  if (event.key === " ") {
    if (event.target.closest("button,a")) return; // that is what it presses
    time.play();
    event.preventDefault();
    return;
  }
  if (event.target === $("knob")) {
    const step = event.shiftKey ? 0.01 : 0.05;
    const to = { ArrowLeft: wipe - step, ArrowDown: wipe - step, ArrowRight: wipe + step, ArrowUp: wipe + step, Home: 0, End: 1 }[event.key];
    if (to !== undefined) { setWipe(to); event.preventDefault(); return; }
  }
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  act();
  event.preventDefault();
});

document.addEventListener("visibilitychange", () => { if (!document.hidden && pending) pictures(); });
addEventListener("resize", () => { opened(document.body.classList.contains("open")); if (state) { summary(""); pictures(); } });
setTimeout(() => document.body.classList.remove("new"), 1500); // then even without news
follow(show, cut);
