// Count what the edge was asked for since this page was made, and how long its links stay the same.
"use strict";

(() => {
  const asked = document.querySelector("[data-asked]");
  const same = document.querySelector("[data-same-until]");
  const ahead = Number(document.body.dataset.now) - Date.now() / 1000;
  const pictures = [...document.querySelectorAll(".thumbs img")];

  // The log may be some lines behind the last picture: read on until two answers are the same.
  async function count(before) {
    const complete = pictures.every((picture) => picture.complete);
    const response = await fetch(asked.dataset.asked);
    if (!response.ok) return;
    const found = (await response.json()).asked;
    asked.textContent = interpolate(ngettext("%s time", "%s times", found), [found.toLocaleString("en")]);
    if (complete && found === before) asked.dataset.final = found;
    else setTimeout(count, 400, complete ? found : -1);
  }

  function tick() {
    const seconds = Math.max(0, Math.ceil(Number(same.dataset.sameUntil) - Date.now() / 1000 - ahead));
    const minutes = Math.floor(seconds / 60);
    const left = `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
    same.textContent = seconds ? left : gettext("until the next visit");
  }

  count(-1);
  if (same) {
    tick();
    setInterval(tick, 1000);
  }
})();
