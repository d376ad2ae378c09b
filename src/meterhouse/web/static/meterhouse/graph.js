// Draws series with uPlot: average as a line, least and greatest as a band, nothing over gaps.
// A place to draw is <div class="graph" data-graph="address of the points" data-page="its page">;
// data-small: without legend and zoom; data-live: fetched again as time goes on.
(function () {
  "use strict";

  const STEPS = {
    W: ["W", "kW", "MW", "GW"], J: ["J", "kJ", "MJ", "GJ"],
    By: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"],
    "By/s": ["B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s", "PiB/s"],
  };
  const PLAIN = { Cel: "°C", 1: "" };
  const LIVE_MS = { minute: 1000, hour: 5000, day: 60000 };

  function scale(unit, greatest) {
    const names = STEPS[unit];
    if (!names) return { by: 1, unit: unit in PLAIN ? PLAIN[unit] : unit };
    const base = unit.startsWith("By") ? 1024 : 1000;
    let step = 0;
    while (greatest >= base && step + 1 < names.length) { greatest /= base; step += 1; }
    return { by: base ** step, unit: names[step] };
  }

  function written(value, unit) {
    if (value === null || value === undefined) return "–";
    const to = scale(unit, Math.abs(value));
    const size = value / to.by;
    const digits = Math.abs(size) >= 100 ? 0 : Math.abs(size) >= 10 ? 1 : 2;
    return `${size.toFixed(digits)} ${to.unit}`.trim();
  }

  function stamp(seconds, width) {
    const text = new Date(seconds * 1000).toISOString().replace("T", " ");
    return text.slice(0, width >= 60 ? 16 : 19) + " UTC";
  }

  // The colours stand in the style sheet; a canvas has to be told them.
  function ink(place, name) {
    const probe = document.createElement("span");
    probe.className = `ink-${name}`;
    place.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  }

  // uPlot's own formats are in local time and words; ours are UTC, ISO 8601, as in the tables.
  function ticks(plot, splits, _axis, _space, step) {
    return splits.map((seconds) => {
      const iso = new Date(seconds * 1000).toISOString();
      if (step >= 86400) return iso.slice(0, 10);
      if (iso.slice(11, 19) === "00:00:00") return iso.slice(5, 10);
      return step >= 60 ? iso.slice(11, 16) : iso.slice(11, 19);
    });
  }

  function state(place, text) {
    for (const old of place.querySelectorAll(".state")) old.remove();
    if (!text) return;
    const note = document.createElement("p");
    note.className = "state";
    note.textContent = text;
    place.append(note);
  }

  function options(place, points) {
    const small = "small" in place.dataset;
    const has = points.columns[3].filter((value) => value !== null);
    const to = scale(points.unit, has.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
    const value = (_plot, raw) => written(raw, points.unit);
    const axis = { stroke: ink(place, "text"), grid: { stroke: ink(place, "grid"), width: 1 },
      ticks: { show: false }, font: "12px " + getComputedStyle(document.body).fontFamily };
    return {
      width: place.clientWidth, height: small ? 140 : Math.max(300, Math.min(innerHeight * 0.5, 420)),
      tzDate: (seconds) => new Date(seconds * 1000 + new Date(seconds * 1000).getTimezoneOffset() * 60000),
      legend: { show: !small, live: true },
      cursor: { drag: { x: !small, y: false, setScale: false }, ...(small && { show: false }) },
      scales: { x: { min: points.from, max: points.to }, y: { range: range } },
      series: [
        { label: "Time", value: (_plot, raw) => raw === null ? "–" : stamp(raw, points.width) },
        { label: "Least", stroke: "transparent", value, points: { show: false } },
        { label: points.width ? "Average" : "Reading", stroke: ink(place, "line"), width: 1.75, value,
          points: { show: lone(points) } },
        { label: "Greatest", stroke: "transparent", value, points: { show: false } },
      ],
      bands: [{ series: [3, 1], fill: ink(place, "band") }],
      axes: [
        { ...axis, values: ticks, space: small ? 70 : 90, size: small ? 28 : 40 },
        { ...axis, size: 64, space: small ? 30 : 44,
          values: (_plot, splits) => splits.map((split) => trimmed(split / to.by) + (to.unit ? ` ${to.unit}` : "")) },
      ],
      hooks: small ? {} : { setSelect: [(plot) => zoom(place, plot)] },
    };
  }

  function trimmed(value) { return String(Math.round(value * 1000) / 1000); }

  // One lone reading is a line of no length: show it as a point.
  function lone(points) { return points.columns[2].filter((value) => value !== null).length < 3; }

  // From zero, unless what is shown is far from it and moves little.
  function range(_plot, least, most) {
    if (least === null || most === null) return [0, 1];
    const room = (most - least) * 0.08 || Math.abs(most) * 0.05 || 1;
    const low = least >= 0 && least < most * 0.75 ? 0 : least - room;
    return [least >= 0 ? Math.max(0, low) : low, most + room];
  }

  function zoom(place, plot) {
    if (plot.select.width < 4) return;
    const moment = (pixel) => new Date(plot.posToVal(pixel, "x") * 1000).toISOString().slice(0, 19);
    const from = moment(plot.select.left), to = moment(plot.select.left + plot.select.width);
    if (from === to) return;
    const address = new URL(location.href);
    address.searchParams.delete("last");
    address.searchParams.set("from", from);
    address.searchParams.set("to", to);
    history.pushState({ zoomed: true }, "", address);
    follow(place);
  }

  // Shows what the address says: after zooming, and after going back.
  function follow(place) {
    const data = new URL(place.dataset.graph, location.href);
    data.search = new URL(location.href).search;
    place.dataset.graph = data.pathname + data.search;
    delete place.dataset.live;
    for (const name of ["from", "to"]) {
      const field = document.getElementById(`g-${name}`);
      const value = data.searchParams.get(name);
      if (field && value) field.value = value;
    }
    for (const link of document.querySelectorAll(".period a")) {
      const here = new URL(link.href).searchParams.get("last") === data.searchParams.get("last");
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

  function draw(place, points) {
    place.points = points;
    const known = points.columns[2].some((value) => value !== null);
    state(place, known ? "" : "Nothing was read in this period");
    const width = place.clientWidth;
    if (place.plot && place.plot.width === width && place.unit === points.unit && !place.stale) {
      place.plot.setData(points.columns, false);
      place.plot.setScale("x", { min: points.from, max: points.to });
      place.plot.redraw();
      return;
    }
    if (place.plot) place.plot.destroy();
    place.unit = points.unit;
    place.stale = false;
    place.plot = new uPlot(options(place, points), points.columns, place);
    place.dataset.drawn = "yes";
  }

  async function load(place) {
    const address = new URL(place.dataset.graph, location.href);
    address.searchParams.set("width", String(Math.round(place.clientWidth * devicePixelRatio)));
    const asked = (place.asked || 0) + 1;
    place.asked = asked;
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      const points = await answer.json();
      if (place.asked !== asked) return; // a later question was put meanwhile
      if (!answer.ok) throw new Error(points.error || `answer ${answer.status}`);
      place.stale = true;
      draw(place, points);
    } catch (error) {
      if (place.asked === asked) state(place, place.plot ? "" : `The graph could not be fetched: ${error.message}`);
    }
    const pause = LIVE_MS[place.dataset.live];
    clearTimeout(place.timer);
    if (pause) place.timer = setTimeout(() => later(place), pause);
  }

  // A page that nobody looks at asks for nothing, nor does a graph that somebody is reading.
  function later(place) {
    if (document.hidden || place.matches(":hover")) { place.timer = setTimeout(() => later(place), 1000); return; }
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
    place.addEventListener("dblclick", () => { if (history.state && history.state.zoomed) history.back(); });
  }
  addEventListener("popstate", () => { const place = document.getElementById("graph"); if (place) follow(place); });
  document.addEventListener("themechange", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let resizing;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(again, 150); });
})();
