// What every page needs of the document, and of words.
import words from "./words.js";

export const $ = (id) => document.getElementById(id);

export function text(element, said) {
  if (element.textContent !== said) element.textContent = said;
}

export function set(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export function make(name, kind, ...children) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  element.append(...children);
  return element;
}

const lang = document.documentElement.lang || "en";
const plural = new Intl.PluralRules(lang);

export const number = (n) => n.toLocaleString(lang);

// A sentence of the table, with {names} filled in; `n` chooses its plural form.
export function say(key, values = {}) {
  const entry = words[key];
  const form = typeof entry === "string" ? entry : entry[plural.select(values.n)] || entry.other;
  const filled = form.replace(/\{(\w+)\}/g, (all, name) => (typeof values[name] === "number" ? number(values[name]) : values[name]));
  return filled.replace(/, $/, ""); // a time that is not known
}

export const still = matchMedia("(prefers-reduced-motion: reduce)");

export async function load(src) {
  const image = new Image();
  image.src = src;
  if (image.decode) await image.decode();
  else await new Promise((done, failed) => { image.onload = done; image.onerror = failed; });
  return image;
}

// Faint stars, the same ones every time: what there is before the first picture.
export function stars(pen, width, height, unit) {
  let seed = 27;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--track");
  for (let i = 0; i < 120; i++) {
    pen.globalAlpha = 0.2 + 0.55 * random();
    pen.beginPath();
    pen.arc(random() * width, random() * height, (0.4 + 1.1 * random() ** 4) * unit, 0, 7);
    pen.fill();
  }
  pen.globalAlpha = 1;
}
