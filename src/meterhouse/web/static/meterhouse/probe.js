// The large figures of one probe follow the stream of readings; without one they stand still.
(function () {
  "use strict";
  const place = document.getElementById("reading");
  if (!place || !window.EventSource) return;
  const id = place.dataset.probe;

  function put(where, text) {
    const [number, unit] = text.split(" ");
    const small = document.createElement("span");
    small.className = "unit";
    small.textContent = ` ${unit || ""}`;
    document.getElementById(where).replaceChildren(number, small);
  }

  function energy(kwh) {
    const [size, unit] = kwh < 1 ? [kwh * 1000, "Wh"] : kwh < 1000 ? [kwh, "kWh"] : [kwh / 1000, "MWh"];
    return `${size.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 3)} ${unit}`;
  }

  function show(watts, kwh) {
    if (watts === undefined) return;
    put("watts", scales.written(watts, "W"));
    if (kwh !== undefined && kwh !== null) put("counter", energy(kwh));
    const heard = document.getElementById("heard");
    heard.textContent = "live";
    heard.className = "now";
  }

  const stream = new EventSource(place.dataset.stream);
  stream.addEventListener("power", (event) => {
    const round = JSON.parse(event.data);
    show(round.w[id], round.kwh ? round.kwh[id] : undefined);
  });
})();
