// The picture on its canvas: pan, zoom, wipe, cross-fade and tiles, always drawn in the screen's own px.
// Where one looks is kept as a point of the picture, so a new picture, another size or a turned phone changes nothing.
import { stars, still } from "./dom.js";
import { tiles } from "./tiles.js";

const MOST_ZOOM = 8;
const TAP_MS = 300, HOLD_MS = 550, SLACK_PX = 8;
const COSTLY_MS = 8; // a picture that takes longer to draw is swapped, not faded
const FADE_MS = 240;
const SMALL_PX = 720, SMALL_MOST_PX = 1280; // a phone at rest takes no larger picture: many share the Wi-Fi

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

export function viewer(view, canvas, hooks) {
  const pen = canvas.getContext("2d");
  const sharp = tiles(() => draw(), () => look());
  let size = null; // of the picture, px
  let zoom = 1, at = [0.5, 0.5], wipe = 0, wiping = true;
  let all = null, one = null, was = null, fade = { from: 0, ms: 0 };
  let room = { width: 0, height: 0, right: 0, bottom: 0 };
  let due = false, cost = 0, moved = 0;

  const box = () => [Math.max(1, room.width - room.right), Math.max(1, room.height - room.bottom)];

  // CSS px per px of the picture at zoom 1, where it covers the room, and the zoom at which all of it is seen.
  function base() {
    const [width, height] = box();
    return Math.max(width / size[0], height / size[1]);
  }

  function least() {
    const [width, height] = box();
    return Math.min(width / size[0], height / size[1]) / base();
  }

  // Left, top, width and height of the whole picture on the canvas, CSS px.
  function placed() {
    const [width, height] = box(), scale = base() * zoom;
    const wide = size[0] * scale, tall = size[1] * scale;
    const half = [Math.min(0.5, width / wide / 2), Math.min(0.5, height / tall / 2)];
    const centre = at.map((part, axis) => clamp(part, half[axis], 1 - half[axis]));
    return [width / 2 - centre[0] * wide, height / 2 - centre[1] * tall, wide, tall];
  }

  function draw() {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; paint(); });
  }

  function paint() {
    const began = performance.now(), dpr = canvas.width / Math.max(1, room.width);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (!all || !size) { stars(pen, canvas.width, canvas.height, dpr); return; }
    pen.setTransform(dpr, 0, 0, dpr, 0, 0);
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = "high";
    const place = placed();
    const share = was ? Math.min(1, (began - fade.from) / fade.ms) : 1;
    if (was && share < 1) pen.drawImage(was, ...place);
    pen.globalAlpha = share;
    pen.drawImage(all, ...place);
    pen.globalAlpha = 1;
    sharp.paint(pen, place, box(), dpr);
    if (one && wipe > 0 && wiping) {
      pen.save();
      pen.beginPath();
      pen.rect(0, 0, box()[0] * wipe, room.height);
      pen.clip();
      pen.drawImage(one, ...place);
      pen.restore();
    }
    if (share < 1) draw();
    else { was = null; cost = performance.now() - began; }
  }

  // What is looked at has changed: draw it, and when the hand rests look for sharper tiles.
  function look() {
    draw();
    clearTimeout(moved);
    moved = setTimeout(() => { if (all && size) sharp.want(placed(), box(), canvas.width / room.width, zoom > 1.05); }, 140);
    hooks.looked(size ? placed()[2] : 0);
  }

  function zoomTo(to, x, y) {
    if (!size) return;
    const [left, top, wide, tall] = placed(), point = [(x - left) / wide, (y - top) / tall];
    zoom = clamp(to, Math.min(1, least()), MOST_ZOOM);
    if (Math.abs(zoom - 1) < 0.03) zoom = 1;
    const [width, height] = box(), scale = base() * zoom;
    at = [point[0] + (width / 2 - x) / (size[0] * scale), point[1] + (height / 2 - y) / (size[1] * scale)];
    settle();
  }

  function settle() {
    const [left, top, wide, tall] = placed(), [width, height] = box();
    at = zoom === 1 ? [0.5, 0.5] : [(width / 2 - left) / wide, (height / 2 - top) / tall];
    view.classList.toggle("zoomed", zoom !== 1);
    look();
  }

  function pan(dx, dy) {
    const [, , wide, tall] = placed();
    at = [at[0] - dx / wide, at[1] - dy / tall];
    settle();
  }

  // One px of the full picture on one px of the screen; at least twice as large as now.
  function closeUp() {
    const dpr = window.devicePixelRatio || 1;
    return clamp(1 / (base() * dpr), 2, MOST_ZOOM);
  }

  function toggle(x, y) { zoomTo(zoom === 1 ? closeUp() : 1, x, y); }

  function resize() {
    const dpr = Math.min(3, window.devicePixelRatio || 1);
    room = Object.assign({}, room, { width: view.clientWidth, height: view.clientHeight });
    const width = Math.round(room.width * dpr), height = Math.round(room.height * dpr);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; paint(); }
    look();
  }

  const api = {
    zoomTo, toggle, pan,
    get zoom() { return zoom; },
    get ready() { return Boolean(all); },

    // Longest side, px, of the rendition that is as sharp as the screen is.
    wish() {
      const dpr = Math.min(2, window.devicePixelRatio || 1);
      const wish = 0.8 * dpr * (size ? base() * Math.max(1, zoom) * Math.max(...size) : Math.max(room.width, room.height));
      return zoom > 1 || room.width >= SMALL_PX ? wish : Math.min(wish, SMALL_MOST_PX);
    },

    sized(width, height) {
      if (size && size[0] === width && size[1] === height) return;
      size = [width, height];
      look();
    },

    // Show a picture, faded over from the one before it.
    show(image, ms = FADE_MS) {
      if (image === all) return;
      const quick = !all || still.matches || cost > COSTLY_MS || document.hidden;
      was = quick ? null : all;
      fade = { from: performance.now(), ms };
      all = image;
      look();
    },

    single(image) { one = image; draw(); },
    sharpen(full, source) { sharp.of(full, source); if (full) look(); },

    // Another target: as if the page had just been opened.
    restart() { zoom = 1; at = [0.5, 0.5]; if (size) settle(); },

    wipe(share, on = true) { wipe = share; wiping = on; draw(); },

    // What of the view is covered by the card, px; followed smoothly.
    cover(right, bottom, ms = 160) {
      const from = [room.right, room.bottom], began = performance.now();
      const step = () => {
        const part = still.matches || !ms ? 1 : clamp((performance.now() - began) / ms, 0, 1);
        const eased = 1 - (1 - part) ** 3;
        room.right = from[0] + (right - from[0]) * eased;
        room.bottom = from[1] + (bottom - from[1]) * eased;
        look();
        if (part < 1) requestAnimationFrame(step);
      };
      step();
    },
  };

  hands(view, api, hooks);
  if (window.ResizeObserver) new ResizeObserver(resize).observe(view);
  addEventListener("resize", resize);
  resize();
  return api;
}

// Fingers, mouse and wheel. At rest a drag moves the wipe, zoomed it pans; two fingers pinch; two taps go close and back.
function hands(view, api, hooks) {
  const down = new Map();
  let held = null, tapped = { time: 0, x: 0, y: 0 }, hold = 0;

  const place = (event) => {
    const box = view.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  const pair = () => {
    const [a, b] = [...down.values()];
    return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, apart: Math.max(10, Math.hypot(a[0] - b[0], a[1] - b[1])) };
  };

  function start(event) {
    if (event.pointerType === "mouse" && event.button > 1) return;
    const at = place(event);
    down.set(event.pointerId, at);
    try { view.setPointerCapture(event.pointerId); } catch (gone) { /* lifted already */ }
    clearTimeout(hold);
    if (down.size === 2) { held = Object.assign({ what: "pinch", zoom: api.zoom }, pair()); return; }
    if (down.size > 2) return;
    const knob = Boolean(event.target.closest("#knob"));
    held = { what: knob ? "wipe" : "", x: at[0], y: at[1], from: at, middle: event.button === 1 };
    if (!knob && event.button !== 1) hold = setTimeout(() => { if (held && !held.what) { held = null; hooks.hold(); } }, HOLD_MS);
  }

  function move(event) {
    if (!down.has(event.pointerId)) return;
    const at = place(event);
    down.set(event.pointerId, at);
    if (!held) return;
    if (held.what === "pinch") { pinch(); return; }
    const dx = at[0] - held.x, dy = at[1] - held.y;
    if (!held.what) {
      if (Math.hypot(at[0] - held.from[0], at[1] - held.from[1]) < SLACK_PX) return;
      clearTimeout(hold);
      held.what = api.zoom !== 1 || held.middle ? "pan" : Math.abs(dx) >= Math.abs(dy) ? "wipe" : "nothing";
    }
    if (held.what === "pan") api.pan(dx, dy);
    if (held.what === "wipe") hooks.wipe(at[0]);
    held.x = at[0];
    held.y = at[1];
  }

  function pinch() {
    if (down.size < 2) return;
    const now = pair();
    api.pan(now.x - held.x, now.y - held.y);
    api.zoomTo(held.zoom * now.apart / held.apart, now.x, now.y);
    held.x = now.x;
    held.y = now.y;
  }

  function end(event) {
    if (!down.delete(event.pointerId)) return;
    clearTimeout(hold);
    if (held && held.what === "pinch") {
      const rest = [...down.values()][0];
      held = rest ? { what: "pan", x: rest[0], y: rest[1], from: rest } : null;
      return;
    }
    if (held && !held.what && event.type === "pointerup" && event.button !== 1) tap(event);
    if (!down.size) held = null;
  }

  function tap(event) {
    const [x, y] = place(event), now = Date.now();
    if (now - tapped.time < TAP_MS && Math.hypot(x - tapped.x, y - tapped.y) < 40) {
      tapped.time = 0;
      api.toggle(x, y);
    } else tapped = { time: now, x, y };
  }

  view.addEventListener("pointerdown", start);
  view.addEventListener("pointermove", move);
  view.addEventListener("pointerup", end);
  view.addEventListener("pointercancel", end);
  view.addEventListener("contextmenu", (event) => { event.preventDefault(); hooks.hold(); });
  view.addEventListener("gesturestart", (event) => event.preventDefault());
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode ? 30 : 1;
    const [x, y] = place(event);
    api.zoomTo(api.zoom * Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), x, y);
  }, { passive: false });
}
