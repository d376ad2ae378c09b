// Sets light or dark before the first paint, so that a page never flashes in the other one.
// What the reader chose is kept in this browser; without a choice the system's setting holds.
(function () {
  "use strict";
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
