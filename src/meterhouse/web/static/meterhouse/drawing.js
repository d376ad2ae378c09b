// What all graphs have in common: colours, what is said over them, how they are asked for, and
// which moments can be looked at.
(function () {
  "use strict";

  const SHORTEST_S = 10, LONGEST_S = 3660 * 86400, EARLIEST_S = 366 * 86400;
  const PATIENCE_S = 15;
  const SLOW_MS = 250; // what takes longer is said to be under way

  // The colours stand in the style sheet; a canvas has to be told them.
  function ink(place, name) {
    const probe = document.createElement("span");
    probe.className = `ink-${name}`;
    place.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  }

  // Where nothing is known: [from, to] in seconds of each run of points that are not known, up to
  // the next one that is. The last run ends where the graph ends, if it is longer than the time
  // in which the next reading may still come.
  function unknown(at, isKnown, end, width) {
    const runs = [];
    let from = null;
    at.forEach((moment, number) => {
      if (!isKnown(number)) { from = from === null ? moment : from; return; }
      if (from !== null) runs.push([from, moment]);
      from = null;
    });
    if (from !== null && end - from > Math.max(PATIENCE_S, 2 * width)) runs.push([from, end]);
    return runs;
  }

  // Shades runs of time over the whole height of a plot, under its lines.
  function shade(plot, runs, colour) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = colour;
    for (const [from, to] of runs) {
      const left = Math.max(plot.valToPos(from, "x", true), bbox.left);
      const right = Math.min(plot.valToPos(to, "x", true), bbox.left + bbox.width);
      if (right > left) ctx.fillRect(left, bbox.top, Math.max(right - left, devicePixelRatio), bbox.height);
    }
    ctx.restore();
  }

  function state(place, text) {
    for (const old of place.querySelectorAll(".state")) old.remove();
    if (!text) return;
    const note = document.createElement("p");
    note.className = "state";
    note.setAttribute("role", "status");
    note.textContent = text;
    place.append(note);
  }

  // Who cannot see that the graph is at other moments is told.
  function say(place, { from, to }) {
    let there = place.parentElement.querySelector(".said-aloud");
    if (!there) {
      there = document.createElement("p");
      there.className = "unseen said-aloud";
      there.setAttribute("role", "status");
      place.after(there);
    }
    there.textContent = `Shown: ${scales.stamp(from, 1)} to ${scales.stamp(to, 1)}`;
  }

  let ahead = 0; // by so many seconds the house's clock is ahead of this one's

  function now() { return Date.now() / 1000 + ahead; }

  async function fetched(address, signal) {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, signal });
    if (answer.redirected) throw new Error("you are logged out; load the page again");
    const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
    const points = isJson ? await answer.json() : {};
    if (!answer.ok || !isJson) {
      const error = new Error(points.error || `the house answered ${answer.status}`);
      error.isFinal = answer.status >= 400 && answer.status < 500 && answer.status !== 429;
      throw error;
    }
    const told = Date.parse(answer.headers.get("Date"));
    if (told) ahead = (told - Date.now()) / 1000;
    return points;
  }

  // While something is asked for that takes its time, the graph shows that it is.
  function waiting(place, asked) {
    const timer = setTimeout(() => place.classList.add("asking"), SLOW_MS);
    return asked.finally(() => { clearTimeout(timer); place.classList.remove("asking"); });
  }

  const moves = {
    earlier: (from, to) => [from - (to - from) / 2, to - (to - from) / 2],
    later: (from, to) => [from + (to - from) / 2, to + (to - from) / 2],
    in: (from, to, live) => live ? [(from + to) / 2, to] : [from + (to - from) / 4, to - (to - from) / 4],
    out: (from, to) => [from - (to - from) / 2, to + (to - from) / 2],
  };

  // A period seen from elsewhere: earlier, later, in or out; null where there is nothing to see.
  function moved(way, { from, to, live }) { return possible(...moves[way](from, to, live)); }

  // The same moments, or as long before now: nothing is to be seen of what is to come.
  function possible(from, to) {
    const over = Math.max(0, to - now());
    const [start, end] = [from - over, to - over];
    if (end - start < SHORTEST_S || end - start > LONGEST_S || start < EARLIEST_S) return null;
    return [start, end];
  }

  // Moments as an address says them, whole seconds; what goes on has no end in it.
  function said(from, to, goesOn) {
    const iso = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19);
    const start = Math.floor(from);
    return { from: iso(start), to: goesOn ? null : iso(Math.max(Math.ceil(to), start + SHORTEST_S)) };
  }

  function put(address, words) {
    for (const [word, value] of Object.entries(words)) {
      if (value) address.searchParams.set(word, value); else address.searchParams.delete(word);
    }
    return address;
  }

  window.drawing = { ink, unknown, shade, state, say, now, fetched, waiting, moved, possible, said, put };
})();
