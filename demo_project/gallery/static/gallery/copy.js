// Put a link on the clipboard; without this, one selects it in its field.
"use strict";

(() => {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        button.textContent = gettext("Copied");
      } catch {
        button.textContent = gettext("Press Ctrl-C");
      }
      setTimeout(() => { button.textContent = gettext("Copy"); }, 2000);
    });
  }
})();
