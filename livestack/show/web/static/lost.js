// An address where nothing is: if something is live after all, the way there; and what past nights left.
import { night } from "./card.js";
import { $ } from "./dom.js";

fetch("/state.json").then((answer) => answer.json()).then((state) => {
  const slides = state.slides || [];
  $("back").hidden = !state.photos;
  $("hint").hidden = Boolean(state.photos);
  $("past").hidden = !slides.length;
  $("nights").replaceChildren(...slides.map((slide, k) => night(slide, k, "/")));
}).catch(() => {});
