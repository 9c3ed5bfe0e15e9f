// Ask for a link without leaving the page; each form works the same without this.
"use strict";

(() => {
  async function ask(form) {
    const answer = form.parentElement.querySelector("[data-answer]");
    const button = form.querySelector("button");
    button.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-Requested-With": "fetch" },
      });
      const text = await response.text();
      if (response.ok) {
        answer.innerHTML = text;
      } else {
        answer.textContent = response.status === 400 ? text : interpolate(gettext("The site answered %s."), [response.status]);
      }
    } catch {
      answer.textContent = gettext("The site does not answer. Is the demo still running?");
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  // Where a link expires while its answer is on show, ask once more: that is the point.
  function askAgainLater(form) {
    const time = form.parentElement.querySelector("time[data-expires]");
    if (!time || form.dataset.asked || time.dataset.state === "over") return;
    form.dataset.asked = "yes";
    const watch = setInterval(() => {
      if (time.dataset.state !== "over") return;
      clearInterval(watch);
      ask(form);
    }, 250);
  }

  for (const form of document.querySelectorAll("form[data-ask]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
      askAgainLater(form);
    });
  }
})();
