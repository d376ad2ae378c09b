// Draws series with uPlot: average as a line, least and greatest as a band, nothing over gaps.
// A place to draw is <div class="graph" data-graph="address of its points">; data-small: without a
// legend. What ends now is fetched again as time goes on.
//
// Where all of them look is said by the page's address: last, or from and to. Where only one of
// several has been turned elsewhere, the address says which, by its data-name: turned.
(function () {
  "use strict";

  const LASTS = { minute: 60, hour: 3600, day: 86400, week: 604800, month: 2592000, year: 31536000 };
  const FONT = 12;
  const PERIOD = ["last", "from", "to"];
  const { ink, state, fetched, put } = drawing;
  const places = [...document.querySelectorAll(".graph[data-graph]")];

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
        values: (plot, splits, _axis, _space, step) => scales.under(plot, splits, step) },
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
      legend: { show: !small, live: true, isolate: true },
      cursor: {
        drag: { x: true, y: false, setScale: false }, bind: hands.binds,
        ...(small && { x: false, y: false, points: { show: false } }),
      },
      scales: {
        x: ends(place),
        y: { range: (_plot, least, most) => {
          place.axis = scales.axis(least, most, place.points.unit, small ? 3 : 5);
          return [place.axis.low, place.axis.high];
        } },
      },
      series: series(place, points),
      bands: hasBand(points) ? [{ series: [3, 1], fill: ink(place, "band") }] : [],
      axes: axes(place),
      hooks: { drawClear: [(plot) => shadeGaps(place, plot)], setSelect: [place.hand.chose], setCursor: small ? [] : [(plot) => rest(place, plot)] },
    };
  }

  function shadeGaps(place, plot) {
    const [at, , line] = place.points.columns;
    const end = Math.min(place.points.to, drawing.now());
    drawing.shade(plot, drawing.unknown(at, (number) => line[number] !== null, end, place.points.width), ink(place, "gap"));
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

  // The moments that were asked for, or those that a hand is at.
  function ends(place) {
    const { from, to } = fellows(place).map((each) => each.hand.shown()).find(Boolean) || place.points;
    return { min: from, max: to };
  }

  // Those that look where a place looks, itself the first.
  function fellows(place) {
    return place.dataset.name ? [place] : [place, ...places.filter((each) => each !== place)];
  }

  // Goes to a period: into the address, so that it can be kept, sent, and gone back from.
  function show(place, from, to, goesOn) {
    const words = { ...drawing.said(from, to, goesOn), last: null, turned: place.dataset.name };
    trail.go(put(new URL(location.href), words));
  }

  // The large graph goes to the period of a name that is as long as what is shown, ending now;
  // others to where they were before anybody turned them.
  function now(place) {
    const words = { last: null, from: null, to: null, turned: null };
    if (!isSmall(place)) {
      const length = place.points.to - place.points.from;
      words.last = Object.keys(LASTS).find((name) => LASTS[name] >= length * 0.99) || "year";
    }
    trail.go(put(new URL(location.href), words));
  }

  // What the page's address says of a period of a place; nothing where it looks as it always does.
  function turned(place) {
    const said = new URL(location.href).searchParams;
    const isMeant = !place.dataset.name || said.get("turned") === place.dataset.name;
    const words = Object.fromEntries(PERIOD.map((word) => [word, isMeant ? said.get(word) : null]));
    return PERIOD.some((word) => words[word]) ? words : null;
  }

  function addressOf(place) {
    const address = new URL(place.dataset.graph, location.href);
    return turned(place) ? put(address, turned(place)) : address;
  }

  // Shows what the address says: after zooming, and after going back.
  function follow() {
    const said = new URL(location.href).searchParams;
    const name = said.get("last") || (said.get("from") ? "" : "hour");
    for (const link of document.querySelectorAll(".period a")) {
      const here = new URL(link.href).searchParams.get("last") === name;
      if (here) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
    for (const link of document.querySelectorAll("a[data-same-period]")) {
      link.dataset.home = link.dataset.home || link.href;
      const words = places.length ? turned(places[0]) : null;
      link.href = words ? put(new URL(link.dataset.home), words).href : link.dataset.home;
    }
    for (const place of places.filter((each) => each.dataset.name && !turned(each))) {
      place.closest(".sheet").querySelector("[data-move=back]").hidden = true; // it was not turned
    }
    for (const place of places) {
      if (!place.looksAt || place.looksAt === addressOf(place).href) continue;
      place.isTurned = true;
      load(place);
    }
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

  // The words beside a small graph: which moments it shows, and what they come to.
  function beside(place, points) {
    const sheet = place.closest(".sheet"), words = sheet.querySelector("[data-shown]");
    if (words) words.textContent = turned(place) ? scales.span(points.from, points.to) : words.dataset.shown;
    for (const [name, text] of Object.entries(points.figures || {})) {
      const there = sheet.querySelector(`[data-figure=${name}]`);
      if (there) there.textContent = text;
    }
  }

  function tiles(wanted) {
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
      && hasBand(before) === hasBand(points);
    if (isSame) {
      place.plot.batch(() => {
        place.plot.setData(columns(points), false);
        place.plot.setScale("x", ends(place));
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
    const address = addressOf(place);
    place.looksAt = address.href;
    const figures = isSmall(place) && !place.dataset.name ? null : "1";
    put(address, { format: null, figures, width: String(Math.round(place.clientWidth * devicePixelRatio)) });
    if (place.asking) place.asking.abort();
    const mine = place.asking = new AbortController();
    clearTimeout(place.timer);
    try {
      const points = await drawing.waiting(place, fetched(address, mine.signal));
      if (place.asking !== mine) return; // a later question was put meanwhile
      take(place, points);
    } catch (error) {
      if (place.asking !== mine) return;
      state(place, `The graph could not be fetched: ${error.message}`);
      if (error.isFinal) return; // asking the same again would be refused again
    }
    if (place.points && place.points.live) place.timer = setTimeout(() => later(place), pause(place));
  }

  function take(place, points) {
    for (const each of fellows(place)) each.hand.answered();
    draw(place, points);
    if (isSmall(place)) beside(place, points); else { around(points); tiles(points.figures); }
    if (place.isTurned) drawing.say(place, points);
    place.isTurned = false;
  }

  // How long until there is something new to see.
  function pause(place) {
    const length = place.points.to - place.points.from;
    const wait = length < 300 ? 2000 : length <= 2 * 3600 ? 5000 : length <= 2 * 86400 ? 30000 : 60000;
    return isSmall(place) ? Math.max(wait, 15000) : wait;
  }

  // A page that nobody looks at asks for nothing, and nothing moves under a hand that is dragging.
  function later(place) {
    if (document.hidden || place.held || place.hand.holds()) { place.timer = setTimeout(() => later(place), 1000); return; }
    load(place);
  }

  function again() {
    for (const place of places) {
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

  for (const place of places) {
    place.hand = hands(place, {
      plot: () => place.plot,
      seen: () => place.points,
      show: (...window) => show(place, ...window),
      live: () => now(place),
      fellows: () => fellows(place).slice(1).map((each) => each.plot).filter(Boolean),
    });
    place.addEventListener("pointerdown", () => { place.held = true; });
    seen.observe(place);
  }
  for (const name of ["pointerup", "pointercancel"]) {
    addEventListener(name, () => { for (const place of places) place.held = false; });
  }
  // Buttons move the graph of their sheet; those of no sheet all graphs, which look alike.
  for (const group of document.querySelectorAll(".moves")) {
    const sheet = group.closest(".sheet");
    const mine = () => (sheet ? sheet.querySelector(".graph") : places.find((place) => place.plot) || places[0]);
    hands.buttons(group, { move: (way) => mine().hand.move(way) });
  }
  trail.on(follow);
  document.addEventListener("themechange", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let resizing;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(again, 150); });
})();
