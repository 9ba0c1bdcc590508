// The operator's page: a draft is made here; guests see it when it is shown to them.
const $$ = (id) => document.getElementById(id);
const LOOK_MS = 2000, TURN_MS = 220, WRITE_MS = 600, SAID_MS = 6000;
const busy = new Set(); // what a hand is on is not overwritten
let state = null, turning = null, sending = false, said = 0;

history.replaceState(null, "", "operator"); // the token is not to be read over a shoulder, nor kept in a history

async function ask(path, body) {
  try {
    const answer = await fetch(`operator/${path}`, body === undefined ? { cache: "no-store" } : {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.status === 401) { location.replace("operator"); return null; }
    const told = await answer.json();
    if (!answer.ok) { say(told.error || "That could not be done."); return null; }
    show(told);
    return told;
  } catch (failed) {
    say("livestack does not answer. Guests keep the picture they have.");
    return null;
  }
}

function say(words) {
  $$("said").textContent = words;
  clearTimeout(said);
  said = setTimeout(() => { $$("said").textContent = ""; }, SAID_MS);
}

function text(id, words) {
  const element = $$(id);
  if (element.textContent !== words) element.textContent = words;
}

function icon(id, name) {
  if ($$(id).getAttribute("href") !== `#i-${name}`) $$(id).setAttribute("href", `#i-${name}`);
}

function show(next) {
  state = next;
  text("guest-count", `${next.guests.toLocaleString("en")} ${next.guests === 1 ? "guest" : "guests"}`);
  banner(next);
  previews(next);
  text("night-line", [next.name, next.photos ? `${next.photos.toLocaleString("en")} ${next.photos === 1 ? "photo" : "photos"} shown` : "No photo shown yet"]
    .filter(Boolean).join(", "));
  knobs(next.knobs);
  presets(next);
  $$("hold").setAttribute("aria-pressed", String(next.held));
  text("hold-word", next.held ? "Let it go" : "Hold picture");
  icon("hold-icon", next.held ? "play" : "pause");
  check($$("approves"), next.approves);
  for (const field of document.querySelectorAll("[data-word]")) {
    if (!busy.has(field) && document.activeElement !== field) field.value = next.words[field.dataset.word];
    field.placeholder = next.found[field.dataset.word] || "";
  }
  for (const field of document.querySelectorAll("[data-screen]")) check(field, next.present[field.dataset.screen]);
  $$("wifi-row").hidden = !next.has_wifi;
  subs(next);
  alerts(next);
  $$("undo").disabled = !next.can_undo;
  $$("publish").disabled = !next.changes;
}

function banner(next) {
  const waits = next.waiting, n = next.changes;
  $$("banner").classList.toggle("changed", Boolean(waits || n || next.held));
  icon("banner-icon", waits || n ? "triangle" : next.held ? "pause" : "check");
  text("banner-word", waits ? "A new picture waits" : n ? `${n} ${n === 1 ? "change" : "changes"} not shown yet`
    : next.held ? "The picture is held" : "Guests see all of it");
  text("banner-since", !waits && n && next.since ? `since ${next.since}` : "");
  $$("let-in").hidden = !waits;
}

function previews(next) {
  picture($$("shown"), next.version ? `picture/${next.size}.jpg?v=${next.version}` : "");
  picture($$("draft"), next.draft_version ? `operator/draft.jpg?v=${encodeURIComponent(next.draft_version)}` : "");
}

function picture(image, url) {
  if (image.dataset.url === url) return;
  image.dataset.url = url;
  if (!url) { image.hidden = true; return; }
  const coming = new Image();
  coming.onload = () => { if (image.dataset.url === url) { image.src = coming.src; image.hidden = false; } };
  coming.onerror = () => { if (image.dataset.url === url) image.dataset.url = ""; };
  coming.src = url;
}

function knobs(list) {
  for (const knob of list) {
    let row = $$(`knob-${knob.name}`);
    if (!row) { row = newKnob(knob); $$(knob.name === "grain" ? "more-knobs" : "knobs").append(row); }
    const slider = row.querySelector("input"), value = row.querySelector("button");
    if (busy.has(slider)) continue;
    slider.value = knob.value;
    fill(slider);
    value.textContent = knob.said;
    value.classList.toggle("auto", knob.auto);
    slider.setAttribute("aria-valuetext", knob.said);
  }
}

function newKnob(knob) {
  const row = document.createElement("div"), head = document.createElement("div");
  const label = document.createElement("label"), value = document.createElement("button"), slider = document.createElement("input");
  row.className = "knob";
  row.id = `knob-${knob.name}`;
  label.textContent = knob.label;
  label.htmlFor = slider.id = `slider-${knob.name}`;
  value.type = "button";
  value.setAttribute("aria-label", `${knob.label}: back to automatic`);
  Object.assign(slider, { type: "range", min: knob.least, max: knob.most, step: (knob.most - knob.least) / 100 });
  slider.addEventListener("input", () => { busy.add(slider); fill(slider); turn(knob.name, Number(slider.value)); });
  slider.addEventListener("change", () => { busy.delete(slider); turn(knob.name, Number(slider.value)); });
  value.addEventListener("click", () => ask("draft", { [knob.name]: null }));
  slider.addEventListener("dblclick", () => ask("draft", { [knob.name]: null }));
  head.append(label, value);
  row.append(head, slider);
  return row;
}

function fill(slider) {
  const share = (slider.value - slider.min) / (slider.max - slider.min);
  slider.style.setProperty("--at", `${14 + share * (slider.clientWidth - 28)}px`);
}

// Of a turn only the newest value is sent, one after another.
function turn(name, value) {
  turning = { ...turning, [name]: value };
  if (!sending) send();
}

async function send() {
  sending = true;
  while (turning) {
    const body = turning;
    turning = null;
    await ask("draft", body);
    await new Promise((done) => setTimeout(done, TURN_MS));
  }
  sending = false;
}

function presets(next) {
  const list = $$("preset");
  if (list.children.length !== next.presets.length) {
    list.replaceChildren(...next.presets.map((name) => new Option(name[0].toUpperCase() + name.slice(1), name)));
  }
  if (document.activeElement !== list) list.value = next.look.preset;
}

function check(field, on) {
  if (!busy.has(field)) field.checked = on;
}

function subs(next) {
  const list = $$("sub-rows"), now = JSON.stringify(next.subs);
  $$("no-subs").hidden = next.subs.length > 0;
  if (list.dataset.now === now) return;
  list.dataset.now = now;
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.no : "";
  list.replaceChildren(...next.subs.map((sub) => {
    const row = document.createElement("li"), no = document.createElement("b"), why = document.createElement("span");
    no.textContent = sub.no;
    why.className = "why";
    const at = document.createElement("i");
    at.textContent = sub.time;
    why.append(at, drawn(sub.state === "accepted" ? "check" : "cross"), sub.state === "accepted" ? "Stacked" : capital(sub.why || "left out"));
    row.append(no, why);
    if (sub.can) {
      const act = document.createElement("button");
      act.type = "button";
      act.textContent = sub.can === "drop" ? "Drop" : "Put back";
      act.dataset.no = sub.no;
      act.setAttribute("aria-label", `${act.textContent} sub ${sub.no}`);
      act.addEventListener("click", () => { act.disabled = true; ask(sub.can, { no: [sub.no] }).then((told) => { act.disabled = Boolean(told); }); });
      row.append(act);
    }
    return row;
  }));
  if (focused) { const again = list.querySelector(`[data-no="${focused}"]`); if (again) again.focus(); }
}

function drawn(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

function alerts(next) {
  text("tab-alerts", next.n_alerts ? `Alerts ${next.n_alerts}` : "Alerts");
  text("status-line", [next.status.word, next.status.detail].filter(Boolean).join(", "));
  text("advice", next.advice);
  $$("no-alerts").hidden = next.alerts.length > 0;
  $$("quiet").hidden = !next.n_alerts;
  const list = $$("alert-rows"), now = JSON.stringify(next.alerts);
  if (list.dataset.now === now) return;
  list.dataset.now = now;
  list.replaceChildren(...next.alerts.map((alert) => {
    const row = document.createElement("li"), at = document.createElement("i"), words = document.createElement("span");
    row.className = alert.quiet ? "seen" : "";
    at.textContent = alert.time;
    words.textContent = alert.sentence;
    row.append(drawn(alert.quiet ? "check" : "triangle"), at, words);
    return row;
  }));
}

function choose(tab) {
  for (const each of document.querySelectorAll("[role=tab]")) {
    const on = each === tab;
    each.setAttribute("aria-selected", String(on));
    each.tabIndex = on ? 0 : -1;
    $$(each.getAttribute("aria-controls")).hidden = !on;
  }
  for (const slider of document.querySelectorAll("input[type=range]")) fill(slider);
}

function bind() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const other = tabs[(place + step + tabs.length) % tabs.length];
      choose(other);
      other.focus();
    });
  });
  $$("preset").addEventListener("change", () => ask("draft", { preset: $$("preset").value }));
  $$("hold").addEventListener("click", () => ask("hold", { held: !state.held }));
  $$("drop-last").addEventListener("click", () => ask("drop", { last: true }).then((told) => { if (told) say(`Sub ${told.no[0]} is taken out. Undo puts it back.`); }));
  $$("approves").addEventListener("change", () => ask("approve", { asks: $$("approves").checked }));
  $$("let-in").addEventListener("click", () => ask("approve", { show: true }));
  $$("undo").addEventListener("click", () => ask("undo", {}));
  $$("publish").addEventListener("click", () => ask("publish", {}).then((told) => { if (told) say("Guests see it now."); }));
  $$("quiet").addEventListener("click", () => ask("quiet", {}));
  for (const field of document.querySelectorAll("[data-word]")) {
    let timer = 0;
    const write = () => { clearTimeout(timer); busy.delete(field); return ask("words", { [field.dataset.word]: field.value }); };
    field.addEventListener("input", () => { busy.add(field); clearTimeout(timer); timer = setTimeout(write, WRITE_MS); });
    field.addEventListener("change", write);
  }
  for (const field of document.querySelectorAll("[data-screen]")) {
    field.addEventListener("change", () => ask("present", { [field.dataset.screen]: field.checked }));
  }
  $$("open-menu").addEventListener("click", () => menu($$("menu").hidden));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !$$("menu").hidden) { menu(false); $$("open-menu").focus(); } });
  document.addEventListener("click", (event) => { if (!event.target.closest("#menu, #open-menu")) menu(false); });
  $$("night").addEventListener("click", () => { night($$("night").getAttribute("aria-pressed") !== "true"); });
  $$("sign-out").addEventListener("click", () => fetch("operator/logout", { method: "POST" }).then(() => location.replace("operator")));
  addEventListener("resize", () => { for (const slider of document.querySelectorAll("input[type=range]")) fill(slider); });
}

function menu(open) {
  $$("menu").hidden = !open;
  $$("open-menu").setAttribute("aria-expanded", String(open));
}

function night(on) {
  document.documentElement.classList.toggle("day", !on);
  $$("night").setAttribute("aria-pressed", String(on));
  try { localStorage.setItem("livestack-day", on ? "" : "1"); } catch (refused) { /* a private window forgets it */ }
}

async function watch() {
  if (!document.hidden && !sending) await ask("state.json");
  setTimeout(watch, LOOK_MS);
}

try { if (localStorage.getItem("livestack-day")) night(false); } catch (refused) { /* night it is */ }
bind();
watch();
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask("state.json"); });
