// Count down each link's time, and say when the page needs fresh links.
"use strict";

(() => {
  const links = [...document.querySelectorAll("time[data-expires]")];
  const notice = document.querySelector("[data-stale]");
  // The server's clock decides: signatures were made by it.
  const ahead = Number(document.body.dataset.now) - Date.now() / 1000;
  const lifetimes = new Map(
    links.map((link) => [link, Number(link.dataset.expires) - Number(document.body.dataset.now)]),
  );

  function show(link) {
    const seconds = Math.ceil(Number(link.dataset.expires) - Date.now() / 1000 - ahead);
    if (seconds <= 0) {
      link.textContent = gettext("expired");
      link.dataset.state = "over";
      link.style.setProperty("--share", 0);
      return;
    }
    const minutes = Math.floor(seconds / 60);
    link.textContent = `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
    link.dataset.state = seconds <= Math.min(60, lifetimes.get(link) / 2) ? "soon" : "live";
    link.style.setProperty("--share", Math.min(1, seconds / lifetimes.get(link)));
  }

  function tick() {
    links.forEach(show);
    // A link of ten seconds is there to expire; the others are what the page shows.
    const stale = links.some((link) => link.dataset.state === "over" && lifetimes.get(link) > 12);
    if (notice) notice.hidden = !stale;
  }

  tick();
  setInterval(tick, 1000);
})();
