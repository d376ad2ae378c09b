// What all graphs have in common: colours, what is said over them, how they are asked for and moved.
(function () {
  "use strict";

  const SHORTEST_S = 10, LONGEST_S = 3660 * 86400;

  // The colours stand in the style sheet; a canvas has to be told them.
  function ink(place, name) {
    const probe = document.createElement("span");
    probe.className = `ink-${name}`;
    place.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
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

  async function fetched(address) {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (answer.redirected) throw new Error("you are logged out; load the page again");
    const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
    const points = isJson ? await answer.json() : {};
    if (!answer.ok || !isJson) throw new Error(points.error || `the house answered ${answer.status}`);
    return points;
  }

  const moves = {
    earlier: (from, to) => [from - (to - from) / 2, to - (to - from) / 2],
    later: (from, to) => [from + (to - from) / 2, to + (to - from) / 2],
    in: (from, to, live) => live ? [(from + to) / 2, to] : [from + (to - from) / 4, to - (to - from) / 4],
    out: (from, to) => [from - (to - from) / 2, to + (to - from) / 2],
  };

  // A period seen from elsewhere: earlier, later, in or out; null where there is nothing to see.
  function moved(way, from, to, live) {
    let [start, end] = moves[way](from, to, live);
    const over = Math.max(0, end - Date.now() / 1000); // nothing is to be seen of what is to come
    start -= over;
    end -= over;
    if (end - start < SHORTEST_S || end - start > LONGEST_S || start < 366 * 86400) return null;
    return [start, end];
  }

  window.drawing = { ink, state, fetched, moved };
})();
