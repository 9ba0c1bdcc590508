// The picture in full resolution where one looks closely: tiles of the level that is as sharp as the screen.
// Those on screen stay until all that replace them are there, so that nothing turns soft and sharp again.
import { load } from "./dom.js";

const AT_ONCE = 4;
const MOST = 48; // tiles kept, 1 MB each; more are fetched anew
const AGAIN_MS = 2000;
const SHARPER = 1.1; // less than this is not worth a tile
const ENOUGH = 0.75; // px of a tile for each of the screen

export function tiles(draw, again) {
  let full = null, source = null; // what there is; {width, tag} of the rendition below it
  let shown = null, next = null; // {key, level, wide, tile, images}
  let off = true, retry = 0;

  function level(wide, dpr) {
    for (let index = 0; index < full.levels; index++) {
      const width = full.width >> (full.levels - 1 - index);
      if (width >= ENOUGH * wide * dpr || index === full.levels - 1) return { index, width, height: full.height >> (full.levels - 1 - index) };
    }
    return null;
  }

  function fetchAll(set, names) {
    let running = 0, failed = false;
    const more = () => {
      if (set !== next || failed) return;
      if (!names.length && !running) { shown = next; next = null; draw(); return; }
      while (running < AT_ONCE && names.length) {
        const name = names.shift();
        running++;
        load(`tile/${set.level}/${name}.jpg?v=${set.tag}`).then(
          (image) => { running--; set.images.set(name, image); if (!shown || shown.level !== set.level) draw(); more(); },
          () => {
            failed = true;
            if (set !== next) return;
            next = null;
            clearTimeout(retry);
            retry = setTimeout(again, AGAIN_MS * (1 + Math.random()));
          },
        );
      }
    };
    more();
  }

  return {
    of(there, below) {
      full = there;
      source = below;
      if (!there) { shown = next = null; }
    },

    want(place, box, dpr, close) {
      off = !close;
      if (!full || !source || !close) { next = null; return; }
      const chosen = level(place[2], dpr);
      if (!chosen || chosen.width < SHARPER * source.width) { shown = next = null; draw(); return; }
      const step = full.tile * place[2] / chosen.width;
      const across = Math.ceil(chosen.width / full.tile), down = Math.ceil(chosen.height / full.tile);
      const first = (start) => Math.max(0, Math.floor(-start / step));
      const last = (start, room, count) => Math.min(count - 1, Math.floor((room - start) / step));
      const names = [];
      for (let y = first(place[1]); y <= last(place[1], box[1], down); y++) {
        for (let x = first(place[0]); x <= last(place[0], box[0], across); x++) names.push(`${x}_${y}`);
      }
      const same = shown && shown.tag === source.tag && shown.level === chosen.index;
      if (same && names.every((name) => shown.images.has(name))) { next = null; return; }
      const kept = same && shown.images.size < MOST ? shown.images : new Map();
      next = { tag: source.tag, level: chosen.index, wide: chosen.width, tile: full.tile, images: new Map(kept) };
      fetchAll(next, names.filter((name) => !next.images.has(name)));
    },

    paint(pen, place, box, dpr) {
      if (off) return;
      const snap = (at) => Math.round(at * dpr) / dpr; // else the seams are seen
      for (const set of [shown, next]) {
        if (!set || (set === next && shown && shown.level === next.level && shown.tag !== next.tag)) continue;
        const scale = place[2] / set.wide;
        set.images.forEach((image, name) => {
          const [x, y] = name.split("_").map(Number);
          const left = place[0] + x * set.tile * scale, top = place[1] + y * set.tile * scale;
          const right = left + image.naturalWidth * scale, bottom = top + image.naturalHeight * scale;
          if (left > box[0] || top > box[1] || right < 0 || bottom < 0) return;
          pen.drawImage(image, snap(left), snap(top), snap(right) - snap(left), snap(bottom) - snap(top));
        });
      }
    },
  };
}
