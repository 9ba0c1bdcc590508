// The night as a row of bars, one for each photo, and the knob on it that goes back in time.
import { $, load, say, set, still, text } from "./dom.js";

const BAR_PX = 18, RIGHT_PX = 13; // at most; the knob's half
const FUTURE = 0.22;
const PLAY_MS = 12000, PLAY_SUBS = 112, LEAST_MS = 2500;
const STILL_STEPS = 8, STILL_MS = 1400;
const AT_ONCE = 3;

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

// `hooks.show(step or null)`: the picture of a step {n, time} is wanted, or the newest.
export function ribbon(hooks) {
  const slider = $("slider"), row = $("ribbon"), canvas = $("bars");
  let steps = [], count = 0, bars = [], latest = "", first = "", ended = false;
  let n = null; // the photo the knob is at; null = now
  let playing = 0, held = false;

  const at = () => (n === null ? count : n);
  const usable = () => count > 1 && steps.length > 1;

  // The last step of which all photos were there at photo number `photo`.
  function step(photo) {
    let found = steps[0];
    for (const one of steps) if (one.n <= photo) found = one;
    return found;
  }

  const where = () => (count > 1 ? (at() - 1) / (count - 1) : 1);
  const wide = () => row.clientWidth;
  const thick = () => clamp(0.62 * (wide() - RIGHT_PX) / Math.max(1, bars.length), 1, BAR_PX);
  const room = () => wide() - RIGHT_PX - thick() / 2; // from the first bar's middle to the last one's
  const knob = () => thick() / 2 + where() * room();
  const ratio = () => Math.min(3, window.devicePixelRatio || 1);

  function draw() {
    const tall = canvas.clientHeight, dpr = ratio();
    if (!wide() || !tall) return;
    canvas.width = Math.round(wide() * dpr);
    canvas.height = Math.round(tall * dpr);
    const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    pen.fillStyle = style.getPropertyValue("--acc");
    const pitch = room() / Math.max(1, bars.length - 1), bar = Math.max(1, Math.round(thick() * dpr)), to = knob();
    bars.forEach((height, index) => {
      const x = thick() / 2 + (bars.length > 1 ? index * pitch : room());
      const high = Math.round(clamp(height, 0, 1) * canvas.height);
      pen.globalAlpha = n === null || x <= to + 0.5 ? 0.9 : FUTURE;
      pen.fillRect(Math.round(x * dpr - bar / 2), canvas.height - high, bar, high);
    });
    row.style.setProperty("--at", `${to}px`);
  }

  function label() {
    const here = n === null ? null : step(n);
    const shown = here ? say("photos_at", here) : "";
    set(slider, "aria-valuemax", Math.max(1, count));
    set(slider, "aria-valuenow", Math.max(1, at()));
    set(slider, "aria-valuetext", say("time_at", { n: here ? here.n : count, all: count, time: here ? here.time : latest }));
    text($("at"), shown);
    $("at").hidden = !here;
    text($("first"), first ? say("first_photo", { time: first }) : "");
    text($("latest"), count > 1 ? (ended ? say("last_at", { time: latest }) : say(matchMedia("(min-width:720px)").matches ? "now_at" : "now", { time: latest })) : "");
    edge();
    hooks.label(shown, here);
  }

  // The label above the knob stays within the row.
  function edge() {
    const half = $("at").offsetWidth / 2;
    row.style.setProperty("--label", `${clamp(knob(), half, Math.max(half, wide() - half))}px`);
  }

  function go(photo) {
    const to = clamp(Math.round(photo), 1, count);
    n = to >= count ? null : to;
    draw();
    label();
    hooks.show(n === null ? null : step(n));
  }

  function stop() {
    if (!playing) return;
    if (still.matches) clearTimeout(playing);
    else cancelAnimationFrame(playing);
    playing = 0;
    face();
  }

  function face() {
    set($("play").querySelector("use"), "href", playing ? "#i-pause" : "#i-play");
    set($("play"), "aria-label", say(playing ? "pause" : "play"));
  }

  // Photos come as fast as the picture gets better: evenly in √N.
  function play() {
    if (!usable()) return;
    if (playing) { stop(); return; }
    const from = Math.sqrt(n === null ? 1 : n), to = Math.sqrt(count);
    hooks.wanted(steps);
    if (still.matches) { playStill(from, to, 0); return; }
    const ms = Math.max(LEAST_MS, Math.min(PLAY_MS, PLAY_MS * (to - 1) / (Math.sqrt(PLAY_SUBS) - 1))) * (to - from) / Math.max(0.01, to - 1);
    let began = null;
    const tick = (now) => {
      if (began === null) began = now;
      if (!hooks.ready()) began += Math.min(50, now - began); // the first pictures are on their way
      const part = Math.min(1, (now - began) / ms);
      go((from + (to - from) * part) ** 2);
      if (part < 1) playing = requestAnimationFrame(tick);
      else stop();
    };
    playing = requestAnimationFrame(tick);
    face();
  }

  function playStill(from, to, k) {
    go((from + (to - from) * k / (STILL_STEPS - 1)) ** 2);
    playing = k + 1 < STILL_STEPS ? setTimeout(() => playStill(from, to, k + 1), STILL_MS) : 0;
    face();
  }

  // One step of the build-up forward or back.
  function nudge(way) {
    if (!usable()) return;
    stop();
    hooks.wanted(steps);
    if (way < 0) {
      const before = steps.filter((one) => one.n < (n === null ? count : step(n).n));
      if (before.length) go(before[before.length - 1].n);
    } else if (n !== null) {
      const after = steps.find((one) => one.n > n);
      go(after ? after.n : count);
    }
  }

  function follow(event) {
    const box = row.getBoundingClientRect();
    go(1 + (count - 1) * clamp((event.clientX - box.left - thick() / 2) / room(), 0, 1));
  }

  row.addEventListener("pointerdown", (event) => {
    if (!usable() || event.button) return;
    held = true;
    stop();
    hooks.wanted(steps);
    try { row.setPointerCapture(event.pointerId); } catch (gone) { /* lifted already */ }
    follow(event);
    event.preventDefault();
    slider.focus({ preventScroll: true });
  });
  row.addEventListener("pointermove", (event) => { if (held) follow(event); });
  for (const end of ["pointerup", "pointercancel"]) row.addEventListener(end, () => { held = false; });
  slider.addEventListener("focus", () => { if (usable()) hooks.wanted(steps); });
  $("play").addEventListener("click", play);
  if (window.ResizeObserver) new ResizeObserver(() => { draw(); edge(); }).observe(row);

  return {
    play, nudge,
    first() { if (usable()) { stop(); hooks.wanted(steps); go(1); } },
    now() { if (usable()) { stop(); go(count); } },
    restart() { stop(); n = null; },
    get step() { return n === null || !steps.length ? null : step(n); },

    told(state) {
      bars = state.bars || [];
      count = state.photos || 0;
      steps = (state.buildup || []).filter((one) => one.n <= count);
      [first, latest, ended] = [state.first || "", state.latest || "", state.ended];
      if (n !== null && n >= count) n = null;
      const there = usable();
      if (!there) { stop(); n = null; }
      slider.hidden = $("play").hidden = !there;
      set(slider, "aria-disabled", !there);
      draw();
      label();
    },
  };
}

// The pictures of the build-up: coarse steps first, then those between; the nearest stands in for one on its way.
export function buildup(changed) {
  let stretch = null, there = new Map(), queue = [], asked = new Set(), running = 0;

  function more() {
    while (running < AT_ONCE && queue.length) {
      const n = queue.shift(), of = stretch;
      if (asked.has(n)) continue;
      asked.add(n);
      running++;
      load(`buildup/${n}.jpg?v=${of}`).then(
        (image) => { if (of === stretch) { there.set(n, image); changed(); } },
        () => { if (of === stretch) asked.delete(n); },
      ).then(() => { running--; more(); });
    }
  }

  // First, last, middle, quarters …: any place on the slider has something near it early.
  function sparsely(steps) {
    const order = [], seen = new Set();
    for (let parts = 1; order.length < steps.length; parts *= 2) {
      for (let k = 0; k <= parts; k++) {
        const index = Math.round(k * (steps.length - 1) / parts);
        if (!seen.has(index)) { seen.add(index); order.push(steps[index].n); }
      }
    }
    return order;
  }

  return {
    of(value) {
      if (value === stretch) return;
      stretch = value;
      there = new Map();
      asked = new Set();
      queue = [];
    },
    want(steps) { if (steps.length) { queue = sparsely(steps); more(); } },
    first(n) { queue = [n, ...queue.filter((one) => one !== n)]; more(); },
    near(n) {
      let found = null;
      there.forEach((image, key) => { if (found === null || Math.abs(Math.log(key / n)) < Math.abs(Math.log(found / n))) found = key; });
      return found === null ? null : { n: found, image: there.get(found) };
    },
    get size() { return there.size; },
  };
}
