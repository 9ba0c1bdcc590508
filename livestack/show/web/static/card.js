// What one is seeing: the card beside or below the picture.
import { $, load, make, number, say, set, text } from "./dom.js";

const LEVELS = ["child", "curious", "expert"];
const KEPT = "livestack.level";

function kept() {
  try { return localStorage.getItem(KEPT); } catch (none) { return null; }
}

const isOpen = () => document.body.classList.contains("open");
const lies = () => getComputedStyle($("card")).getPropertyValue("--from").trim();
const isSeen = () => isOpen() || lies() === "side";

export function card(hooks) {
  let state = null;
  let level = LEVELS.includes(kept()) ? kept() : "curious";
  const drawn = {}; // what each part was last made of

  // Make a part anew only when what it tells has changed.
  function fresh(name, told, build) {
    const now = JSON.stringify(told);
    if (drawn[name] === now) return;
    drawn[name] = now;
    build();
  }

  function rows() {
    const plain = [
      [say("fact_photos"), state.photos ? number(state.photos) : ""],
      [say("fact_photo"), state.photo],
      [say("fact_light"), state.photos ? state.light : ""],
      [say("fact_grain"), state.grain && say("finer", { n: state.grain })],
    ];
    const known = [...(told().facts || []), ...(level === "expert" ? told().expert || [] : [])];
    return (known.length ? known : plain).filter((row) => row[1]);
  }

  // Before the first photo of what nobody named there is nothing to tell but that it comes.
  const told = () => (state.version || state.name ? state.card || {} : {});

  function words() {
    const levels = told().levels || {};
    return levels[level] || levels.curious || levels.child || state.line || "";
  }

  function grain() {
    const patches = told().grain || [];
    $("grain").hidden = patches.length < 2;
    fresh("grain", [patches, state.lineage, state.stretch, state.version, isSeen()], () => {
      const row = $("patches");
      while (row.children.length > patches.length) row.lastChild.remove();
      while (row.children.length < patches.length) row.append(make("figure", "", make("img"), make("figcaption")));
      patches.forEach((patch, k) => {
        const figure = row.children[k], image = figure.querySelector("img"), last = k === patches.length - 1;
        const said = last && !state.ended ? say("photos_now", { n: patch.photos }) : say("photos", { n: patch.photos });
        figure.className = last ? "newest" : "";
        set(image, "alt", say("photos", { n: patch.photos }));
        text(figure.querySelector("figcaption"), said);
        if (!isSeen()) return; // hundreds of phones need not fetch what is below their edge
        const src = `grain/${k}.jpg?v=${state.lineage}.${state.version}`;
        load(src).then(() => { image.src = src; }, () => {});
      });
    });
  }

  function past() {
    const slides = state.photos || state.version ? [] : state.slides || [];
    $("past").hidden = !slides.length;
    fresh("past", slides, () => $("nights").replaceChildren(...slides.map((slide, k) => night(slide, k))));
  }

  function draw() {
    if (!state) return;
    const name = hooks.name(state), { levels = {}, sky = false, satellites = "" } = told();
    text($("card-title"), name);
    text($("also"), state.also || "");
    text($("words"), words());
    text($("caption"), state.caption || "");
    $("caption").hidden = !state.caption;
    $("levels").hidden = !(levels.child || levels.curious);
    for (const button of $("levels").children) {
      const chosen = button.dataset.level === level;
      set(button, "aria-checked", chosen);
      button.tabIndex = chosen ? 0 : -1;
    }
    const list = rows();
    fresh("facts", list, () => $("facts").replaceChildren(...list.map(([key, value]) => make("div", "", make("dt", "", key), make("dd", "", value)))));
    grain();
    $("sky").hidden = !sky;
    fresh("sky", [sky, state.lineage, name], () => { if (sky) $("map").src = `sky.svg?v=${state.lineage}.${encodeURIComponent(name)}`; });
    set($("map"), "alt", say("sky_alt", { name }));
    text($("crossed"), satellites);
    $("satellites").hidden = !satellites;
    past();
  }

  function choose(to) {
    level = to;
    try { localStorage.setItem(KEPT, to); } catch (none) { /* then it is not kept */ }
    draw();
  }

  $("levels").addEventListener("click", (event) => { if (event.target.dataset.level) choose(event.target.dataset.level); });
  $("levels").addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    choose(LEVELS[(LEVELS.indexOf(level) + way + LEVELS.length) % LEVELS.length]);
    $("levels").querySelector('[aria-checked="true"]').focus();
  });
  sheet({ opened(on) { hooks.opened(on); draw(); } });

  return {
    told(next) { state = next; draw(); },
    choose: (index) => choose(LEVELS[index]),
  };
}

export function night(slide, k, root = "") {
  const image = make("img");
  image.loading = "lazy";
  image.alt = slide.name || slide.date;
  image.src = `${root}past/${k}.jpg?v=${slide.v}`;
  const said = [slide.date, slide.photos ? say("photos", { n: slide.photos }) : ""].filter(Boolean).join(", ");
  return make("figure", "", image, make("figcaption", "", make("b", "", slide.name || ""), make("span", "", said)));
}

// On a phone the card is a sheet: drag its grab, tap its head; while it is closed all of it is its head.
function sheet(hooks) {
  const card = $("card"), grab = $("grab");
  let drag = null, dragged = 0;

  const isHead = (event) => lies() !== "side" && (!isOpen() || event.target.closest("#grab"));

  function open(on) {
    document.body.classList.toggle("open", on);
    for (const button of [grab, $("ask")]) set(button, "aria-expanded", on);
    card.style.removeProperty("transform");
    card.classList.remove("dragged");
    if (!on) $("about").scrollTop = 0;
    hooks.opened(on);
  }

  function start(event) {
    if (event.button || !isHead(event)) return;
    const at = new DOMMatrix(getComputedStyle(card).transform), right = lies() === "right";
    drag = { right, from: right ? event.clientX : event.clientY, at: right ? at.m41 : at.m42, moved: 0, time: Date.now() };
  }

  function move(event) {
    if (!drag) return;
    drag.moved = (drag.right ? event.clientX : event.clientY) - drag.from;
    if (Math.abs(drag.moved) < 6 && !card.classList.contains("dragged")) return;
    if (!card.classList.contains("dragged")) card.setPointerCapture(event.pointerId);
    card.classList.add("dragged");
    card.style.transform = `translate${drag.right ? "X" : "Y"}(${Math.max(0, drag.at + drag.moved)}px)`;
  }

  function end() {
    if (!drag) return;
    const { moved, time } = drag, fast = Math.abs(moved) / Math.max(1, Date.now() - time) > 0.4;
    drag = null;
    if (!card.classList.contains("dragged")) return;
    dragged = Date.now(); // the click that follows is none
    open(fast || Math.abs(moved) > 80 ? moved < 0 : isOpen());
  }

  card.addEventListener("pointerdown", start);
  card.addEventListener("pointermove", move);
  card.addEventListener("pointerup", end);
  card.addEventListener("pointercancel", end);
  card.addEventListener("click", (event) => { if (isHead(event) && Date.now() - dragged > 80) open(!isOpen()); });
  $("ask").addEventListener("click", () => { open(true); grab.focus({ preventScroll: true }); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isOpen() || !$("sheet").hidden) return;
    open(false);
    event.preventDefault();
  });
}
