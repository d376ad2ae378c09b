// Draws what many probes draw, stacked: bands from the one that used most upwards, nothing over
// gaps. What ends now goes on with the readings of the stream, or is asked for again without one.
(function () {
  "use strict";

  const FONT = 12;
  const WAIT_S = 10;
  const PUSHED_S = 10; // so narrow are buckets at most that are made here, of the stream
  const { ink, state, fetched } = drawing;
  const place = document.getElementById("stack");
  if (!place) return;

  let points, plot, axis, timer, stale, asking, isTurned, alone = null;
  const heard = new Map(); // probe to its newest reading: { w, at }
  const names = document.getElementById("bands");

  // Columns for uPlot: the highest sum first, so that each area is painted over by the one below.
  function columns() {
    const sums = points.at.map(() => null);
    const bands = seen();
    const stacked = bands.map((band) => band.watts.map((watts, at) => {
      if (bands.some((each) => each.watts[at] !== null)) sums[at] = (sums[at] || 0) + (watts || 0);
      return sums[at];
    }));
    return [points.at.map((at) => at + points.width / 2), ...stacked.reverse()];
  }

  // All bands, or the one that was picked in the list under the graph.
  function seen() {
    const picked = points.bands.filter((band) => band.name === alone);
    return picked.length ? picked : points.bands;
  }

  // Shows one band alone, from zero; the same again shows all.
  function isolate(name) {
    alone = alone === name ? null : name;
    press();
    stale = true;
    draw();
  }

  function press() {
    for (const button of names.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.band === alone));
    }
    names.classList.toggle("picked", alone !== null);
  }

  function colour(band) {
    return points.bands.length === 1 ? ["line", "under"] : [`paper`, `b${band.colour}`];
  }

  function series() {
    return [{}, ...seen().map((band) => {
      const [edge, fill] = colour(band);
      const lone = points.bands.length === 1;
      return { stroke: ink(place, edge), width: lone ? 1.75 : 0.75, fill: ink(place, fill), points: { show: false } };
    }).reverse()];
  }

  function options() {
    const font = `${FONT}px ${getComputedStyle(document.body).fontFamily}`;
    const look = { stroke: ink(place, "text"), grid: { stroke: ink(place, "grid"), width: 1 }, ticks: { show: false }, font };
    return {
      width: place.clientWidth, height: Math.max(240, Math.min(innerHeight * 0.42, 400)),
      tzDate: (seconds) => new Date(seconds * 1000 + new Date(seconds * 1000).getTimezoneOffset() * 60000),
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, bind: hands.binds },
      scales: {
        x: ends(),
        y: { range: (_plot, _least, most) => {
          axis = scales.axis(0, most === null || most <= 0 ? 1 : most, "W", 5);
          return [axis.low, axis.high];
        } },
      },
      series: series(),
      axes: [
        { ...look, space: (_plot, _axis, least, most) => scales.apart(most - least, place.clientWidth < 500), size: 32, values: (plot, splits, _axis, _space, step) => scales.under(plot, splits, step) },
        { ...look, splits: () => axis.marks.map((mark) => mark.at), values: () => axis.marks.map((mark) => mark.label),
          size: (drawn, labels) => scales.room(drawn, labels, font) },
      ],
      hooks: { drawClear: [shadeGaps], setSelect: [hand.chose], setCursor: [read] },
    };
  }

  // What is shown: the moments that were asked for, or those that a hand is at.
  function ends() {
    const { from, to } = hand.shown() || points;
    return { min: from, max: to };
  }

  // Where a probe that is known before and after is not, the sum of all is too low.
  function shadeGaps(drawn) {
    const end = Math.min(points.to, drawing.now());
    const first = points.bands.map((band) => band.watts.findIndex((watts) => watts !== null));
    const final = points.bands.map((band) => band.watts.findLastIndex((watts) => watts !== null));
    const latest = Math.max(...final);
    const isKnown = (at) => at <= latest && points.bands.every((band, number) =>
      band.watts[at] !== null || at < first[number] || at > final[number] || final[number] < 0);
    drawing.shade(drawn, drawing.unknown(points.at, isKnown, end, points.width), ink(place, "gap"));
  }

  function draw() {
    const known = points.bands.some((band) => band.watts.some((watts) => watts !== null));
    state(place, known ? "" : "Nothing was read in this period");
    const data = columns();
    if (plot && !stale && plot.width === place.clientWidth && plot.series.length === data.length) {
      plot.batch(() => {
        plot.setData(data, false);
        plot.setScale("x", ends());
      });
    } else {
      if (plot) plot.destroy();
      stale = false;
      plot = new uPlot(options(), data, place);
      place.dataset.drawn = "yes";
    }
    read(plot);
  }

  // The list under the graph: what each colour is, and what it draws where the pointer is.
  function label() {
    const made = points.bands.map((band) => {
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = `swatch ${points.bands.length === 1 ? "ink-line" : `b${band.colour}`}`;
      const name = document.createElement("span");
      name.className = "name";
      name.textContent = band.name;
      const parts = [swatch, name, document.createElement("b")];
      if (points.bands.length === 1) { item.append(...parts); return item; }
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.band = band.name;
      button.title = "Show it alone; once more, all";
      button.append(...parts);
      button.addEventListener("click", () => isolate(band.name));
      item.append(button);
      return item;
    });
    if (points.bands.length > 1) {
      const all = document.createElement("li");
      all.className = "all";
      all.innerHTML = "<span class=\"name\">All</span><b></b>";
      made.push(all);
    }
    const when = document.createElement("li");
    when.className = "when";
    made.unshift(when);
    names.replaceChildren(...made);
    press();
  }

  function last() {
    let at = points.at.length - 1;
    while (at > 0 && points.bands.every((band) => band.watts[at] === null)) at -= 1;
    return at;
  }

  function read(drawn) {
    if (!points || !names.children.length) return;
    const over = drawn.cursor.idx;
    const at = over === null || over === undefined ? last() : over;
    const items = names.children;
    items[0].textContent = points.at.length ? scales.stamp(points.at[at], points.width) : "";
    let sum = null;
    points.bands.forEach((band, number) => {
      const watts = band.watts[at] ?? null;
      if (watts !== null) sum = (sum || 0) + watts;
      items[number + 1].querySelector("b").textContent = scales.written(watts, "W");
    });
    if (points.bands.length > 1) items[points.bands.length + 1].lastChild.textContent = scales.written(sum, "W");
  }

  // Where the page is: what its address says, whatever part of the page asks.
  function part(name) {
    const address = new URL(`${name}/`, location.href);
    const said = new URL(location.href).searchParams;
    return drawing.put(address, Object.fromEntries(["from", "to", "probes"].map((word) => [word, said.get(word)])));
  }

  function show(from, to, goesOn) {
    const words = { ...drawing.said(from, to, goesOn), page: null, find: null, format: null };
    trail.go(drawing.put(new URL(location.href), words));
  }

  const hand = hands(place, {
    plot: () => plot,
    seen: () => points,
    show,
    live: () => trail.go(new URL(document.getElementById("to-now").href)),
  });

  // Asking

  async function load() {
    clearTimeout(timer);
    if (asking) asking.abort();
    const mine = asking = new AbortController();
    try {
      const found = await drawing.waiting(place, fetched(part("data"), mine.signal));
      if (asking !== mine) return; // another window was asked for meanwhile
      take(found);
    } catch (error) {
      if (asking !== mine) return;
      state(place, `The graph could not be fetched: ${error.message}`);
      if (error.isFinal) return; // asking the same again would be refused again
    }
    if (!points || points.live) timer = setTimeout(later, pause());
  }

  function take(found) {
    const isNew = !points || points.bands.length !== found.bands.length
      || points.bands.some((band, number) => band.name !== found.bands[number].name);
    points = found;
    points.stays = new URL(location.href).searchParams.has("from"); // all since then
    hand.answered();
    if (isTurned) drawing.say(place, points);
    isTurned = false;
    if (!points.bands.some((band) => band.name === alone)) alone = null;
    if (isNew) { label(); stale = true; }
    if (points.live) listen(); else quiet();
    if (place.at && points.live) push(place.at / 1000); // the stream is ahead of the house's memory
    draw();
    badge();
    if (points.now && !listening()) tell(points.now.w, points.now.answering, points.now.known);
  }

  // The page is at another window: all of it shows that.
  function follow() {
    isTurned = true;
    load();
    legend({ around: "1" });
  }

  function pause() {
    if (!points) return 5000;
    const length = points.to - points.from;
    if (length <= 300) return listening() ? 30000 : 2000;
    return length <= 3600 ? (listening() ? 30000 : 5000) : length <= 2 * 86400 ? 60000 : 300000;
  }

  function later() {
    if (document.hidden || place.held || hand.holds()) { timer = setTimeout(later, 1000); return; }
    load();
    refresh();
  }

  // The figures below are of the same moments: they are asked for as often, unless somebody is there.
  function refresh() {
    const there = document.getElementById("legend");
    if (there && !there.contains(document.activeElement) && !there.matches(":hover")) legend({});
  }

  // Asks for the figures in the order, the search and the page that they stand in.
  function legend(more) {
    const there = document.getElementById("legend");
    const before = there.dataset.shown || there.getAttribute("hx-get") || location.search;
    const said = new URL(before, location.href).searchParams;
    const words = Object.fromEntries(["sort", "find", "page"].map((word) => [word, said.get(word)]));
    const address = drawing.put(part("legend"), { ...words, ...more });
    return htmx.ajax("GET", address.pathname + address.search, { source: "#legend", target: "#legend" });
  }

  // Listening

  let stream, isDeaf = false, newest = 0, pending = false;

  // Open, or so lately heard that it is only being opened again.
  function listening() {
    return stream && (stream.readyState === EventSource.OPEN || Date.now() - newest < WAIT_S * 1000);
  }

  function quiet() {
    if (stream) stream.close();
    stream = null;
  }

  function listen() {
    if (stream || isDeaf || !window.EventSource) return;
    stream = new EventSource(place.dataset.stream);
    stream.addEventListener("state", (event) => {
      newest = Date.now();
      for (const [id, one] of Object.entries(JSON.parse(event.data).probes)) {
        if (id in points.of) heard.set(id, { w: one.w, at: one.timestamp });
      }
      soon();
    });
    stream.addEventListener("power", (event) => {
      newest = Date.now();
      const round = JSON.parse(event.data);
      for (const id in round.w) if (id in points.of) heard.set(id, { w: round.w[id], at: round.at / 1000 });
      place.at = round.at;
      push(round.at / 1000);
      soon();
    });
    stream.onerror = () => {
      if (!stream || stream.readyState !== EventSource.CLOSED) return;
      stream = null;
      isDeaf = true; // there is no stream, or it is not for us: ask instead
      badge();
      clearTimeout(timer);
      timer = setTimeout(later, pause());
    };
  }

  // Several rounds in one frame are drawn once.
  function soon() {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => { pending = false; if (!place.held && points.live) live(); });
  }

  function sums(now) {
    const bands = points.bands.map(() => null);
    let all = null, answering = 0;
    for (const [id, one] of heard) {
      if (now - one.at > points.hold) continue;
      const band = points.of[id];
      bands[band] = (bands[band] || 0) + one.w;
      all = (all || 0) + one.w;
      answering += 1;
    }
    return { bands, all, answering };
  }

  // A reading that came a little late stands until now: the house did not know it yet.
  function overwrite(bucket, bands) {
    for (let at = points.at.length - 1; at >= 0 && points.at[at] >= bucket && points.at.length - at <= 3; at -= 1) {
      points.bands.forEach((band, number) => { band.watts[at] = bands[number] ?? band.watts[at]; });
    }
  }

  // Puts the newest readings into the bucket of their moment; of several in one, their mean.
  function push(now) {
    if (points.width > PUSHED_S || !heard.size) return;
    const bucket = Math.floor(now / points.width) * points.width;
    const end = points.at.length - 1;
    const { bands } = sums(now);
    if (points.at.length && bucket < points.at[end]) { overwrite(bucket, bands); return; }
    if (!points.at.length || bucket > points.at[end]) {
      points.at.push(bucket);
      points.bands.forEach((band, number) => band.watts.push(bands[number]));
      points.mixed = 1;
    } else {
      const before = points.width > 1 ? points.mixed || 1 : 0; // of one second the newest holds
      points.bands.forEach((band, number) => {
        const old = band.watts[end], fresh = bands[number];
        band.watts[end] = old === null || fresh === null ? fresh ?? old : old + (fresh - old) / (before + 1);
      });
      points.mixed = before + 1;
    }
    const length = points.to - points.from;
    points.to = Math.max(points.to, now);
    if (!points.stays) points.from = points.to - length;
    while (points.at.length && points.at[0] + points.width < points.from) {
      points.at.shift();
      for (const band of points.bands) band.watts.shift();
    }
  }

  function live() {
    const now = (place.at || Date.now()) / 1000;
    const { all, answering } = sums(now);
    tell(all, answering, Object.keys(points.of).length);
    for (const cell of document.querySelectorAll("td[data-live]")) {
      const one = heard.get(cell.dataset.live);
      if (one && now - one.at <= points.hold) put(cell, scales.written(one.w, "W"));
    }
    if (points.width <= PUSHED_S) draw();
    place.dataset.shown = String(place.at || "");
  }

  // A number with its unit behind it, smaller, as the page was written.
  function put(there, text) {
    const [number, unit] = text.split(" ");
    const small = document.createElement("span");
    small.className = "unit";
    small.textContent = unit ? ` ${unit}` : "";
    there.replaceChildren(number, small);
  }

  function tell(watts, answering, known) {
    for (const id of ["now-watts", "now-sum"]) {
      const there = document.getElementById(id);
      if (there && watts !== null) put(there, scales.written(watts, "W"));
    }
    const count = document.getElementById("now-answering");
    if (count) count.textContent = `${answering} of ${known} answer${known === 1 ? "s" : ""}`;
    badge();
  }

  function badge() {
    const there = document.getElementById("live");
    if (!there) return;
    there.hidden = !points || !points.live;
    there.classList.toggle("late", !listening());
    there.textContent = listening() ? "live" : "refreshed every few seconds";
  }

  // Hands

  place.addEventListener("pointerdown", () => { place.held = true; });
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => { place.held = false; });
  for (const group of document.querySelectorAll(".moves")) hands.buttons(group, hand);

  // What leads to another window of this page leads there without leaving it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#to-now, #asked .period a");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    hand.release();
    trail.go(new URL(link.href));
  });
  trail.on(follow);

  // Choosing

  const dialog = document.getElementById("chooser");
  for (const button of document.querySelectorAll("[data-opens]")) button.hidden = false;
  document.addEventListener("click", (event) => { if (event.target.closest("[data-opens]")) dialog.showModal(); });

  function count() {
    const picked = dialog.querySelectorAll(".choices input:checked").length;
    document.getElementById("picked").textContent = picked ? `${picked} chosen` : "None chosen: all are shown";
  }

  if (dialog) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-closes]")) { dialog.close(); return; }
      const pick = event.target.closest("[data-picks]");
      if (!pick) return;
      for (const item of dialog.querySelectorAll(".choices li:not([hidden]) input")) item.checked = pick.dataset.picks === "all";
      count();
    });
    dialog.addEventListener("input", (event) => {
      if (!event.target.dataset.finds) { count(); return; }
      const wanted = event.target.value.trim().toLowerCase();
      for (const item of dialog.querySelectorAll(".choices li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
    });
    dialog.addEventListener("htmx:afterSwap", () => { count(); dialog.querySelector("input[type=search]").focus(); });
  }

  // Who reads the graph as a table goes on reading it at other moments: it is opened again once
  // htmx knows of it, and is fetched as it is opened.
  let isRead = false;
  document.addEventListener("htmx:oobBeforeSwap", ({ detail: { target } }) => {
    if (target.id === "in-words") isRead = target.querySelector("details").open;
  });
  document.addEventListener("htmx:load", ({ target }) => {
    if (target.id === "in-words" && isRead) target.querySelector("details").open = true;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const { target, requestConfig } = event.detail;
    if (target && target.id === "legend" && event.detail.successful) target.dataset.shown = requestConfig.path + query(requestConfig);
  });

  function query(asked) {
    const said = new URLSearchParams(asked.formData || undefined).toString();
    return said ? `${asked.path.includes("?") ? "&" : "?"}${said}` : "";
  }

  function again() { if (points) { stale = true; draw(); } }
  document.addEventListener("themechange", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let resizing;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(again, 150); });

  load().then(() => setTimeout(badge, 4000));
})();
