// What hands do to a graph: drag, pinch, wheel, keys, buttons. Each makes a window to look at. It
// is shown at once, as far as it is known, and asked for when the hand rests.
//
// hands(place, view) gives the hand of a place. A view has
//   plot():         the uPlot that is drawn, if one is
//   seen():         { from, to, live } in seconds, or nothing yet
//   show(from, to, goesOn): goes there, and on from there if it ends now
//   live():         goes to what ends now
//   fellows():      other plots that are moved with it; it may lack this
(function () {
  "use strict";

  const REST_MS = 200;
  const MEANT_PX = 8; // a finger that moves less only points
  const KEYS = { ArrowLeft: "earlier", ArrowRight: "later", "+": "in", "=": "in", "-": "out" };

  // What uPlot hears of a mouse: everything but what moves a graph, and its own way back.
  const binds = {
    mousedown: (_plot, _target, heard) => (event) => { if (event.button === 0 && !event.shiftKey) heard(event); },
    dblclick: () => null,
  };

  function hands(place, view) {
    let shown = null; // what is shown and not asked for yet, or not answered
    let timer;
    const fingers = new Map(); // pointer to its place, in pixels of the graph
    let grip = null; // what was under the fingers when they touched it

    function current() { return shown || view.seen(); }

    function width() { return view.plot().over.clientWidth; }

    function look(moments, rest = REST_MS) {
      const plot = view.plot();
      if (!moments || !plot) return;
      const [from, to] = moments;
      shown = { from, to, goesOn: goesOn(from, to) };
      for (const each of [plot, ...(view.fellows ? view.fellows() : [])]) each.setScale("x", { min: from, max: to });
      clearTimeout(timer);
      timer = setTimeout(settle, rest);
    }

    function settle() {
      clearTimeout(timer);
      timer = 0;
      if (shown && !grip) view.show(shown.from, shown.to, shown.goesOn);
    }

    // Whether moments end so near to now that what comes next belongs to them.
    function goesOn(from, to) {
      const known = view.seen();
      return to >= (known.live ? known.to : drawing.now()) - Math.max((to - from) / 200, 2);
    }

    // What was asked for is there: the graph is its own again, unless the hand is at it still.
    function answered() {
      if (!timer && !grip) shown = null;
    }

    function move(way) {
      const seen = current();
      if (!seen || !view.plot()) return;
      if (way === "back") { release(); trail.back(); } else if (way === "now") { release(); view.live(); } else look(drawing.moved(way, seen));
    }

    function release() {
      clearTimeout(timer);
      timer = 0;
      shown = grip = null;
      fingers.clear();
      place.classList.remove("held");
    }

    // Fingers, and a mouse with Shift: what was under them stays under them.

    function at(event) { return event.clientX - view.plot().over.getBoundingClientRect().left; }

    function take() {
      const seen = current(), second = (seen.to - seen.from) / width();
      const under = [...fingers.values()].map((x) => seen.from + x * second);
      grip = { ...seen, second, under, xs: [...fingers.values()], meant: fingers.size > 1 || Boolean(grip && grip.meant) };
    }

    function pulled() {
      const xs = [...fingers.values()];
      let { second } = grip;
      if (xs.length > 1) {
        const apart = Math.max(Math.abs(xs[1] - xs[0]), 2 * MEANT_PX);
        second = Math.abs(grip.under[1] - grip.under[0]) / apart;
      }
      const middle = xs.reduce((sum, x) => sum + x, 0) / xs.length;
      const moment = grip.under.reduce((sum, each) => sum + each, 0) / xs.length;
      const from = moment - middle * second;
      return drawing.possible(from, from + width() * second);
    }

    place.addEventListener("pointerdown", (event) => {
      const plot = view.plot();
      if (!plot || !current() || !plot.over.contains(event.target) || fingers.size > 1) return;
      if (event.pointerType === "mouse" && !(event.shiftKey && event.button === 0)) return;
      fingers.set(event.pointerId, at(event));
      place.setPointerCapture(event.pointerId);
      place.classList.add("held");
      take();
    });

    place.addEventListener("pointermove", (event) => {
      if (!grip || !fingers.has(event.pointerId)) return;
      fingers.set(event.pointerId, at(event));
      if (!grip.meant && Math.abs(at(event) - grip.xs[0]) < MEANT_PX) return;
      grip.meant = true;
      look(pulled());
    });

    function lift(event) {
      if (!fingers.delete(event.pointerId)) return;
      if (fingers.size) { take(); return; }
      const { meant } = grip || {};
      grip = null;
      place.classList.remove("held");
      if (meant && shown) settle();
    }
    place.addEventListener("pointerup", lift);
    place.addEventListener("pointercancel", lift);

    // Two fingers on a graph mean the graph, not the page.
    place.addEventListener("touchmove", (event) => { if (event.touches.length > 1) event.preventDefault(); }, { passive: false });

    // A wheel scrolls the page. Sideways it moves the graph, and with Ctrl, as a touchpad says for
    // two fingers that part, it zooms where the pointer is.
    place.addEventListener("wheel", (event) => {
      const seen = current();
      if (!view.plot() || !seen) return;
      const lines = event.deltaMode === 1 ? 16 : 1;
      const [x, y] = [event.deltaX * lines, event.deltaY * lines];
      const second = (seen.to - seen.from) / width();
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        const factor = Math.exp(Math.max(-1, Math.min(1, y / 200)));
        const moment = seen.from + at(event) * second;
        look(drawing.possible(moment - (moment - seen.from) * factor, moment + (seen.to - moment) * factor));
      } else if (event.shiftKey || Math.abs(x) > Math.abs(y)) {
        event.preventDefault();
        const by = (x || y) * second;
        look(drawing.possible(seen.from + by, seen.to + by));
      }
    }, { passive: false });

    place.addEventListener("dblclick", () => move("back"));

    place.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const way = KEYS[event.key] || { Home: "now", Escape: "back" }[event.key];
      if (!way) return;
      event.preventDefault();
      move(way);
    });

    // What uPlot's own selection chose: to the very end of what ends now goes on with it.
    function chose(plot) {
      const { left, width: chosen } = plot.select;
      if (chosen >= 4) look(drawing.possible(plot.posToVal(left, "x"), plot.posToVal(left + chosen, "x")), 0);
      plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    }

    return { move, chose, answered, release, shown: () => shown, holds: () => Boolean(grip || timer) };
  }

  hands.binds = binds;

  // The buttons of a group move the graph that it belongs to.
  hands.buttons = function (group, hand) {
    group.hidden = false;
    group.addEventListener("click", (event) => {
      const button = event.target.closest("[data-move]");
      if (button) hand.move(button.dataset.move);
    });
  };

  window.hands = hands;
})();
