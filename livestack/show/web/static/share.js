// Save, copy, show the code: one sheet.
import { $, say, set, text } from "./dom.js";

export function share(hooks) {
  const sheet = $("sheet"), shade = $("shade");
  let from = null;

  const parts = () => [...sheet.querySelectorAll("a,button")].filter((part) => part.offsetParent !== null);
  const address = () => hooks.address() || location.href.split("#")[0].split("?")[0];

  function open() {
    if (!sheet.hidden) return;
    from = document.activeElement;
    text($("copy-words"), say("copy"));
    code(false);
    $("save").hidden = !hooks.picture();
    $("save").href = hooks.saved();
    $("show-code").hidden = !hooks.address();
    sheet.hidden = shade.hidden = false;
    document.body.classList.add("sharing");
    parts()[0].focus({ preventScroll: true });
  }

  function close() {
    if (sheet.hidden) return;
    sheet.hidden = shade.hidden = true;
    document.body.classList.remove("sharing");
    if (from && from.focus) from.focus({ preventScroll: true });
  }

  function code(on) {
    $("code").hidden = !on;
    set($("show-code"), "aria-expanded", on);
    if (on) $("code").querySelector("img").src = "qr/page.svg";
    text($("address"), on ? address() : "");
  }

  async function copy() {
    const said = address();
    let done = false;
    try { await navigator.clipboard.writeText(said); done = true; } catch (refused) { done = byHand(said); }
    text($("copy-words"), done ? say("copied") : said);
  }

  // A page that came without https may not use the clipboard: what is selected can be copied all the same.
  function byHand(said) {
    const field = document.createElement("textarea");
    field.value = said;
    field.readOnly = true;
    field.className = "unseen";
    sheet.append(field);
    field.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch (refused) { done = false; }
    field.remove();
    $("copy").focus({ preventScroll: true });
    return done;
  }

  $("share").addEventListener("click", open);
  $("close").addEventListener("click", close);
  // Only what began on it closes: a finger that held the picture is lifted here.
  let begun = false;
  shade.addEventListener("pointerdown", () => { begun = true; });
  shade.addEventListener("click", () => { if (begun) close(); begun = false; });
  $("copy").addEventListener("click", copy);
  $("show-code").addEventListener("click", () => code($("code").hidden));
  $("save").addEventListener("click", () => setTimeout(close, 300));
  sheet.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); event.preventDefault(); }
    if (event.key === "Tab") {
      const all = parts(), first = all[0], last = all[all.length - 1];
      const leaves = event.shiftKey ? document.activeElement === first : document.activeElement === last;
      if (leaves) { (event.shiftKey ? last : first).focus(); event.preventDefault(); }
    }
    event.stopPropagation();
  });
  return { open, get isOpen() { return !sheet.hidden; } };
}
