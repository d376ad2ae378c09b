// Numbers of graphs: units of fitting size, axes in round steps, and enough room for their labels.
(function () {
  "use strict";

  const STEPS = {
    W: ["W", "kW", "MW", "GW"], J: ["J", "kJ", "MJ", "GJ"],
    By: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"],
    "By/s": ["B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s", "PiB/s"],
  };
  const PLAIN = { Cel: "°C", 1: "" };
  const MARGIN_PX = 12, HALF_PX = 3.5; // beside a plot; half a digit
  const STILL = 0.01; // what moves by less than so much of its size is shown from zero

  // The unit for values up to so great, and how many base units one of it is.
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

  // The number of 1, 2, 5, 10, 20 … that is nearest.
  function round(value) {
    const ten = 10 ** Math.floor(Math.log10(value));
    const digit = value / ten;
    return ten * (digit < 1.42 ? 1 : digit < 3.17 ? 2 : digit < 7.08 ? 5 : 10);
  }

  // Where an axis ends: at zero, unless what is shown is far from it and moves.
  function ends(least, most) {
    const size = Math.max(Math.abs(least), Math.abs(most));
    if (size === 0) return [0, 1];
    const room = (most - least) * 0.08;
    if (most - least < size * STILL) return least >= 0 ? [0, most * 1.1] : most <= 0 ? [least * 1.1, 0] : [least, most];
    const low = least >= 0 && least < most * 0.75 ? 0 : least - room;
    const high = most <= 0 && most > least * 0.75 ? 0 : most + room;
    return [least >= 0 ? Math.max(0, low) : low, most <= 0 ? Math.min(0, high) : high];
  }

  // An axis from one round step to another, in about so many steps. Its unit is that of its end.
  function axis(least, most, unit, steps) {
    const [low, high] = least === null || most === null ? [0, 1] : ends(least, most);
    const to = scale(unit, Math.max(Math.abs(low), Math.abs(high)));
    const step = round((high - low) / to.by / steps);
    const first = Math.floor(low / to.by / step + 1e-6), last = Math.ceil(high / to.by / step - 1e-6);
    const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const marks = [];
    for (let number = first; number <= last; number += 1) {
      const label = number === 0 ? "0" : (number * step).toFixed(places);
      marks.push({ at: number * step * to.by, label: `${label} ${to.unit}`.trim() });
    }
    return { low: marks[0].at, high: marks[marks.length - 1].at, marks };
  }

  // The pixels that the widest of some labels takes, and the gap beside it.
  function room(plot, labels, font) {
    if (!labels || !labels.length) return 40;
    plot.ctx.save();
    plot.ctx.font = font;
    const widest = Math.max(...labels.map((label) => plot.ctx.measureText(label).width));
    plot.ctx.restore();
    return Math.ceil(widest) + 12;
  }

  // uPlot's own labels of times are local and in words; these are UTC, ISO 8601, as in the tables.
  function times(seconds, step) {
    const iso = new Date(seconds * 1000).toISOString();
    if (step >= 86400) return iso.slice(0, 10);
    if (iso.slice(11, 19) === "00:00:00") return iso.slice(5, 10);
    return step >= 60 ? iso.slice(11, 16) : iso.slice(11, 19);
  }

  // Labels under an axis of time; one that would stick out of the picture is left out.
  function under(plot, splits, step) {
    const end = plot.bbox.width / devicePixelRatio + MARGIN_PX;
    return splits.map((split) => {
      const text = times(split, step);
      return plot.valToPos(split, "x") + text.length * HALF_PX > end ? "" : text;
    });
  }

  // How far apart labels of times stand: those of days are longer.
  function apart(length, small) { return length > 4 * 86400 ? 100 : small ? 70 : 90; }

  function stamp(seconds, width) {
    const text = new Date(seconds * 1000).toISOString().replace("T", " ");
    return text.slice(0, width >= 60 ? 16 : 19) + " UTC";
  }

  // From one moment to another, the day once if it is one.
  function span(from, to) {
    const [start, end] = [from, to].map((seconds) => stamp(seconds, to - from < 3600 ? 1 : 60).replace(" UTC", ""));
    return `${start} to ${start.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end}`;
  }

  window.scales = { written, axis, room, under, apart, stamp, span };
})();
