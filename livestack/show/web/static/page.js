"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const START = 28; // where the wipe rests, %
  const LOST_MS = 4000;
  const LABELS_PX = 230; // so wide are both times beside each other
  let state = null, wipe = START, shown = -1, socket = null, seen = Date.now(), wait = 1000, announced = 0;

  const text = (id, words) => { const el = $(id); if (el.textContent !== words) el.textContent = words; };

  function show(next) {
    state = next;
    seen = Date.now();
    $("lost").hidden = true;
    const name = next.name ||
      (next.photos ? "Live from the telescope" : next.ended ? "Nothing is live here" : "Getting the telescope ready");
    text("name", name);
    text("summary", next.summary);
    text("words", next.line);
    for (const id of ["live-word", "live-wide-word"]) {
      text(id, next.ended ? "Ended" : id === "live-word" ? "Live" : "Live from the telescope");
    }
    document.title = next.photos ? `${name}: ${next.summary}` : name;
    text("first", next.first && `First photo, ${next.first}`);
    text("latest", next.photos > 1 ? `${next.ended ? "Last" : "Newest"}, ${next.latest}` : "");
    bars(next.bars);
    facts(next);
    announce(next);
    if (next.version > 0 && next.version !== shown) pictures(next);
    tags();
  }

  function bars(heights) {
    const row = $("bars");
    row.hidden = !heights.length;
    while (row.children.length > heights.length) row.lastChild.remove();
    while (row.children.length < heights.length) row.append(document.createElement("i"));
    row.style.gap = `${Math.min(8, 0.3 * row.clientWidth / Math.max(1, heights.length))}px`;
    heights.forEach((height, place) => { row.children[place].style.height = `${100 * height}%`; });
    // few bars do not fill the row: the last one's time stands under it
    const end = row.lastElementChild && row.lastElementChild.getBoundingClientRect().right - row.getBoundingClientRect().left;
    $("latest").parentElement.style.maxWidth = end ? `${Math.max(LABELS_PX, end)}px` : "";
    row.setAttribute("aria-label", `One bar per photo, ${heights.length} bars`);
  }

  function facts(next) {
    const rows = [
      ["Photos", next.photos ? next.photos.toLocaleString("en") : ""],
      ["Each photo", next.photo],
      ["Light gathered", next.photos ? next.light : ""],
      ["Grain", next.grain && `${next.grain} finer than one photo`],
    ].filter(([, value]) => value);
    const list = $("facts");
    const now = JSON.stringify(rows);
    if (list.dataset.now === now) return;
    list.dataset.now = now;
    list.replaceChildren(...rows.map(([name, value]) => {
      const row = document.createElement("div");
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = name;
      dd.textContent = value;
      row.append(dt, dd);
      return row;
    }));
  }

  // Screen readers hear of the count at most once a minute.
  function announce(next) {
    if (next.photos && Date.now() - announced > 60000) {
      announced = Date.now();
      text("said", next.summary);
    }
  }

  // Both pictures are decoded before either changes, so that nothing flashes.
  async function pictures(next) {
    const version = next.version;
    shown = version;
    try {
      const fresh = await load(`/picture.jpg?v=${version}`);
      const one = next.photos > 1 ? await load(`/last.jpg?v=${version}`).catch(() => null) : null;
      if (version !== shown) return;
      swap($("picture"), fresh);
      $("picture").alt = `${state.name || "The picture"}, ${state.summary}`;
      if (one) swap($("one"), one);
      $("one").hidden = !one;
      $("stars").hidden = true;
      tags();
    } catch {
      if (version === shown) shown = -1; // the next news tries again
    }
  }

  async function load(src) {
    const image = new Image();
    image.src = src;
    await image.decode();
    return image;
  }

  function swap(old, fresh) {
    if (old.id === "picture" && !old.hidden) {
      const ghost = old.cloneNode();
      ghost.removeAttribute("id");
      ghost.setAttribute("aria-hidden", "true");
      ghost.className = "ghost";
      old.after(ghost);
      requestAnimationFrame(() => requestAnimationFrame(() => { ghost.style.opacity = 0; }));
      setTimeout(() => ghost.remove(), 320);
    }
    old.src = fresh.src;
    old.hidden = false;
  }

  function tags() {
    const both = !$("one").hidden;
    const wide = $("view").clientWidth, left = wide * wipe / 100;
    $("line").hidden = $("knob").hidden = !both;
    $("tag-one").hidden = !both || left < 120;
    $("tag-all").hidden = !both || wide - left < 120;
    if (state) text("tag-all", `${state.photos.toLocaleString("en")} photos`);
  }

  function setWipe(percent) {
    wipe = Math.min(100, Math.max(0, percent));
    $("view").style.setProperty("--wipe", `${wipe}%`);
    $("knob").setAttribute("aria-valuenow", Math.round(wipe));
    $("knob").setAttribute("aria-valuetext", `one photo to stack, ${Math.round(wipe)} %`);
    tags();
  }

  function drag() {
    const view = $("view");
    let held = false;
    const move = (event) => {
      const box = view.getBoundingClientRect();
      setWipe(100 * (event.clientX - box.left) / box.width);
    };
    view.addEventListener("pointerdown", (event) => {
      if ($("knob").hidden || event.button) return;
      held = true;
      view.setPointerCapture(event.pointerId);
      if (event.target.closest("#knob") === null && event.pointerType === "mouse") move(event);
    });
    view.addEventListener("pointermove", (event) => { if (held) move(event); });
    for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => { held = false; });
    $("knob").addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 1 : 5;
      const to = { ArrowLeft: wipe - step, ArrowRight: wipe + step, Home: 0, End: 100 }[event.key];
      if (to !== undefined) { setWipe(to); event.preventDefault(); }
    });
  }

  function connect() {
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    socket.onmessage = (event) => { wait = 1000; show(JSON.parse(event.data)); };
    socket.onclose = () => {
      socket = null;
      setTimeout(connect, wait);
      wait = Math.min(5000, wait * 1.5);
    };
  }

  // Where the socket does not get through (some proxies), asking does; the answer also tells whether we are cut off.
  async function poll() {
    if (!(socket && socket.readyState === WebSocket.OPEN)) {
      try {
        show(await (await fetch("/state.json", { cache: "no-store" })).json());
      } catch {
        if (Date.now() - seen > LOST_MS) lost();
      }
    }
    setTimeout(poll, 2000);
  }

  function lost() {
    const from = state && state.latest ? `, picture from ${state.latest}` : "";
    text("lost", `Reconnecting${from}`);
    $("lost").hidden = false;
    $("tag-one").hidden = $("tag-all").hidden = true;
  }

  function stars() {
    const canvas = $("stars"), pen = canvas.getContext("2d");
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--track");
    let seed = 27;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let i = 0; i < 110; i++) {
      pen.globalAlpha = 0.2 + 0.5 * random();
      pen.beginPath();
      pen.arc(random() * canvas.width, random() * canvas.height, (0.4 + random() ** 4) * devicePixelRatio, 0, 7);
      pen.fill();
    }
  }

  stars();
  setWipe(START);
  drag();
  addEventListener("resize", () => { tags(); if (state) bars(state.bars); });
  connect();
  setTimeout(poll, 1500);
})();
