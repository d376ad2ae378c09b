// What pages do besides being read: theme, menu, search by "/", sorting of tables, copying.
// Everything works without it, only less comfortably.
(function () {
  "use strict";
  const root = document.documentElement;

  function isDark() {
    const chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function toggleTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    document.dispatchEvent(new CustomEvent("themechange"));
  }

  function toggleMenu(button) {
    const open = document.getElementById("side").classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  }

  function copy(button) {
    const text = document.getElementById(button.dataset.copy).textContent.trim();
    navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; });
  }

  const acts = { theme: toggleTheme, menu: toggleMenu, copy: copy };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) acts[button.dataset.act](button);
    const sorter = event.target.closest("th[data-sort] button");
    if (sorter) sortBy(sorter.closest("th"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const search = document.getElementById("search");
    if (!search) return;
    event.preventDefault();
    document.getElementById("side").classList.add("open");
    search.focus();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-go]")) event.target.form.requestSubmit();
  });

  // Who writes a moment into a report's form wants that one, not the period chosen before.
  document.addEventListener("input", (event) => {
    const chooser = event.target.dataset.custom && document.getElementById(event.target.dataset.custom);
    if (chooser) chooser.value = "custom";
  });

  function sortBy(head) {
    const falling = head.getAttribute("aria-sort") === "ascending";
    const table = head.closest("table");
    const body = table.tBodies[0];
    const at = head.cellIndex;
    const value = (row) => row.cells[at].dataset.value ?? row.cells[at].textContent.trim();
    const byNumber = head.dataset.sort === "number";
    const collator = new Intl.Collator(undefined, { numeric: true });
    const rows = Array.from(body.rows).sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (!byNumber) return collator.compare(x, y);
      return (x === "" ? -Infinity : Number(x)) - (y === "" ? -Infinity : Number(y));
    });
    body.append(...(falling ? rows.reverse() : rows));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
  }
})();
