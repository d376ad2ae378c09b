// Draws series with uPlot: average as a line, least and greatest as a band, nothing over gaps.
// A place to draw is <div class="graph" data-graph="address of its points">; data-small: without
// legend and zoom. What ends now is fetched again as time goes on.
(function () {
  "use strict";

  const LASTS = { minute: 60, hour: 3600, day: 86400, week: 604800, month: 2592000, year: 31536000 };
  const FONT = 12;
  const { ink, state, fetched } = drawing;

  function isSmall(place) { return "small" in place.dataset; }

  // Single readings and rates have no band: there the line is all there is.
  function hasBand(points) { return points.width > 0 && !points.rate; }

  function columns(points) {
    return hasBand(points) ? points.columns : [points.columns[0], points.columns[2]];
  }

  function series(place, points) {
    const value = (_plot, raw) => scales.written(raw, place.points.unit);
    const time = (_plot, raw) => raw === null ? "–" : scales.stamp(raw, place.points.width);
    const line = { stroke: ink(place, "line"), width: 1.75, value, points: { show: () => lone(place.points) } };
    if (!hasBand(points)) return [{ label: "Time", value: time }, { label: points.rate ? "Rate" : "Reading", ...line }];
    const edge = { stroke: "transparent", value, points: { show: false } };
    return [{ label: "Time", value: time }, { label: "Minimum", ...edge }, { label: "Average", ...line }, { label: "Maximum", ...edge }];
  }

  function axes(place) {
    const small = isSmall(place);
    const font = `${FONT}px ${getComputedStyle(document.body).fontFamily}`;
    const look = { stroke: ink(place, "text"), grid: { stroke: ink(place, "grid"), width: 1 }, ticks: { show: false }, font };
    return [
      { ...look, space: (_plot, _axis, least, most) => scales.apart(most - least, small), size: small ? 28 : 40,
        values: (_plot, splits, _axis, _space, step) => splits.map((split) => scales.times(split, step)) },
      { ...look, splits: () => place.axis.marks.map((mark) => mark.at), values: () => place.axis.marks.map((mark) => mark.label),
        size: (plot, labels) => scales.room(plot, labels, font) },
    ];
  }

  function options(place, points) {
    const small = isSmall(place);
    return {
      width: place.clientWidth, height: small ? 140 : Math.max(260, Math.min(innerHeight * 0.5, 420)),
      tzDate: (seconds) => new Date(seconds * 1000 + new Date(seconds * 1000).getTimezoneOffset() * 60000),
      padding: [8, 12, 0, 0],
      legend: { show: !small, live: true },
      cursor: { drag: { x: !small, y: false, setScale: false }, ...(small && { show: false }) },
      scales: {
        x: { min: points.from, max: points.to },
        y: { range: (_plot, least, most) => {
          place.axis = scales.axis(least, most, place.points.unit, small ? 3 : 5);
          return [place.axis.low, place.axis.high];
        } },
      },
      series: series(place, points),
      bands: hasBand(points) ? [{ series: [3, 1], fill: ink(place, "band") }] : [],
      axes: axes(place),
      hooks: small ? {} : { setSelect: [(plot) => select(place, plot)], setCursor: [(plot) => rest(place, plot)] },
    };
  }

  // One lone reading is a line of no length: show it as a point.
  function lone(points) { return points.columns[2].filter((value) => value !== null).length < 3; }

  // Nobody points at a moment: the legend reads the last one.
  function rest(place, plot) {
    if (plot.cursor.idx !== null && plot.cursor.idx !== undefined) return;
    const line = place.points.columns[2];
    let last = line.length - 1;
    while (last > 0 && line[last] === null) last -= 1;
    if (last >= 0) plot.setLegend({ idx: last });
  }

  function select(place, plot) {
    if (plot.select.width < 4) return;
    const from = plot.posToVal(plot.select.left, "x");
    const to = plot.posToVal(plot.select.left + plot.select.width, "x");
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    show(place, from, to);
  }

  // Goes to a period: into the address, so that it can be kept, sent, and gone back from.
  function show(place, from, to) {
    const iso = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19);
    const [start, end] = [iso(Math.floor(from)), iso(Math.ceil(to))];
    const address = new URL(location.href);
    address.searchParams.delete("last");
    address.searchParams.set("from", start);
    address.searchParams.set("to", end);
    go(place, address);
  }

  function go(place, address) {
    history.pushState({ zoomed: true }, "", address);
    follow(place);
  }

  function move(place, way) {
    if (!place.points) return;
    const { from, to, live } = place.points;
    if (way === "now") { now(place, to - from); return; }
    const moved = drawing.moved(way, from, to, live);
    if (moved) show(place, ...moved);
  }

  // The period of a name that is as long as what is shown, ending now.
  function now(place, length) {
    const address = new URL(location.href);
    for (const name of ["from", "to"]) address.searchParams.delete(name);
    const names = Object.keys(LASTS);
    address.searchParams.set("last", names.find((name) => LASTS[name] >= length * 0.99) || "year");
    go(place, address);
  }

  // Shows what the address says: after zooming, and after going back.
  function follow(place) {
    const data = new URL(place.dataset.graph, location.href);
    data.search = new URL(location.href).search;
    place.dataset.graph = data.pathname + data.search;
    const name = data.searchParams.get("last") || (data.searchParams.get("from") ? "" : "hour");
    for (const link of document.querySelectorAll(".period a")) {
      const here = new URL(link.href).searchParams.get("last") === name;
      if (here) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
    for (const link of document.querySelectorAll("a[data-same-period]")) {
      const there = new URL(link.href);
      for (const name of ["last", "from", "to"]) {
        const value = data.searchParams.get(name);
        if (value) there.searchParams.set(name, value); else there.searchParams.delete(name);
      }
      link.href = there.href;
    }
    load(place);
  }

  // What stands around the graph is of the same moments: its fields, its figures, its permalink.
  function around(points) {
    const iso = (seconds) => new Date(seconds * 1000).toISOString();
    const digits = points.to - points.from < 3600 ? 19 : 16;
    for (const [name, seconds] of [["from", points.from], ["to", points.to]]) {
      const field = document.getElementById(`g-${name}`);
      if (field && field !== document.activeElement && field.value === field.defaultValue) {
        field.defaultValue = field.value = iso(seconds).replace("T", " ").slice(0, digits);
      }
    }
    const link = document.getElementById("permalink");
    if (!link) return;
    const address = new URL(link.href);
    address.searchParams.set("from", iso(Math.floor(points.from)).slice(0, 19));
    address.searchParams.set("to", iso(Math.ceil(points.to)).slice(0, 19));
    link.href = address.href;
  }

  function figures(wanted) {
    const row = document.getElementById("figures");
    if (!row || !wanted) return;
    const part = (name, text) => {
      const made = document.createElement("span");
      made.className = name;
      made.textContent = text;
      return made;
    };
    row.replaceChildren(...wanted.map((one) => {
      const tile = document.createElement("div");
      tile.className = "tile";
      const value = part("value", one.number);
      if (one.unit) value.append(part("unit", ` ${one.unit}`));
      tile.append(part("name", one.name), value, part("more", one.more || "\u00a0"));
      return tile;
    }));
  }

  function draw(place, points) {
    const known = points.columns[2].some((value) => value !== null);
    const before = place.points;
    place.points = points;
    state(place, known ? "" : "Nothing was read in this period");
    const isSame = place.plot && place.plot.width === place.clientWidth && !place.stale
      && hasBand(before) === hasBand(points) && before.width === points.width;
    if (isSame) {
      place.plot.batch(() => {
        place.plot.setData(columns(points), false);
        place.plot.setScale("x", { min: points.from, max: points.to });
      });
    } else {
      if (place.plot) place.plot.destroy();
      place.stale = false;
      place.plot = new uPlot(options(place, points), columns(points), place);
      place.dataset.drawn = "yes";
    }
    if (!isSmall(place)) rest(place, place.plot);
  }

  async function load(place) {
    const address = new URL(place.dataset.graph, location.href);
    address.searchParams.delete("format");
    address.searchParams.set("width", String(Math.round(place.clientWidth * devicePixelRatio)));
    if (!isSmall(place)) address.searchParams.set("figures", "1");
    const asked = (place.asked || 0) + 1;
    place.asked = asked;
    clearTimeout(place.timer);
    let live = place.points ? place.points.live : false;
    try {
      const points = await fetched(address);
      if (place.asked !== asked) return; // a later question was put meanwhile
      live = points.live;
      draw(place, points);
      if (!isSmall(place)) { around(points); figures(points.figures); }
    } catch (error) {
      if (place.asked !== asked) return;
      state(place, `The graph could not be fetched: ${error.message}`);
    }
    if (live) place.timer = setTimeout(() => later(place), pause(place));
  }

  // How long until there is something new to see.
  function pause(place) {
    const length = place.points.to - place.points.from;
    const wait = length < 300 ? 2000 : length <= 2 * 3600 ? 5000 : length <= 2 * 86400 ? 30000 : 60000;
    return isSmall(place) ? Math.max(wait, 15000) : wait;
  }

  // A page that nobody looks at asks for nothing, and nothing moves under a hand that is dragging.
  function later(place) {
    if (document.hidden || place.held) { place.timer = setTimeout(() => later(place), 1000); return; }
    load(place);
  }

  function again() {
    for (const place of document.querySelectorAll(".graph")) {
      if (!place.points) continue;
      place.stale = true;
      draw(place, place.points);
    }
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      load(entry.target);
    }
  }, { rootMargin: "200px" });

  for (const place of document.querySelectorAll(".graph[data-graph]")) {
    seen.observe(place);
    place.addEventListener("pointerdown", () => { place.held = true; });
    place.addEventListener("dblclick", () => { if (history.state && history.state.zoomed) history.back(); });
  }
  for (const name of ["pointerup", "pointercancel"]) {
    addEventListener(name, () => { for (const place of document.querySelectorAll(".graph")) place.held = false; });
  }
  for (const group of document.querySelectorAll(".moves")) {
    group.hidden = false;
    group.addEventListener("click", (event) => {
      const button = event.target.closest("[data-move]");
      if (button) move(document.getElementById("graph"), button.dataset.move);
    });
  }
  addEventListener("popstate", () => { const place = document.getElementById("graph"); if (place) follow(place); });
  document.addEventListener("themechange", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let resizing;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(again, 150); });
})();
