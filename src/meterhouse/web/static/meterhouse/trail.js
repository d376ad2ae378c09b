// Where a page's graphs look is in its address: one step for each look, and Back goes back.
(function () {
  "use strict";

  const followers = [];

  // How many looks ago the page was as it was opened.
  function steps() { return (history.state && history.state.steps) || 0; }

  function go(address) {
    if (address.href === location.href) return;
    history.pushState({ steps: steps() + 1 }, "", address);
    follow();
  }

  function back() { if (steps()) history.back(); }

  function follow() {
    mark();
    for (const follower of followers) follower();
  }

  // The buttons that go back are there where there is a way.
  function mark() {
    for (const button of document.querySelectorAll("[data-move=back]")) button.hidden = !steps();
  }

  // Whoever shows what the address says is told when it says something else.
  function on(follower) { followers.push(follower); }

  // Of an address that cannot be understood the page shows something else: the address of that is
  // the one to go on from, or every question of the page would be refused like the first.
  const other = document.querySelector("[data-shows]");
  if (other) history.replaceState(history.state, "", other.dataset.shows);

  addEventListener("popstate", follow);
  mark();

  window.trail = { go, back, on };
})();
