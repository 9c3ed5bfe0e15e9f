/* Refresh the page of the signing keys in place, and copy what is pasted into CloudFront. Everything works without it, too. */
"use strict";
{
  const overview = document.getElementById("cfsigned-overview");
  const stale = document.getElementById("cfsigned-stale");

  const parts = (root) => [...root.querySelectorAll("[data-part]")];
  const shape = (root) => parts(root).map((part) => part.dataset.part).join();

  // Each answer has a different CSRF token, which is not a change.
  const content = (part) => {
    const copy = part.cloneNode(true);
    copy.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((input) => input.remove());
    return copy.innerHTML;
  };

  const replace = (old, fresh) => {
    if (content(old) === content(fresh)) {
      return;
    }
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceChildren(...fresh.childNodes);
    if (focused) {
      document.getElementById(focused)?.focus();
    }
  };

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("cfsigned-overview");
    if (fresh === null || shape(fresh) !== shape(overview)) {
      window.location.reload(); // logged out, or there is a problem now, or no longer
      return;
    }
    const freshParts = parts(fresh);
    parts(overview).forEach((part, index) => replace(part, freshParts[index]));
    overview.dataset.interval = fresh.dataset.interval;
    overview.dataset.check = fresh.dataset.check ?? "";
  };

  // A check of CloudFront may change state, so it is a POST; reading the state is a GET.
  const ask = () => {
    const check = overview.dataset.check;
    const csrf = document.querySelector("input[name=csrfmiddlewaretoken]");
    if (check && csrf) {
      const body = new URLSearchParams({ csrfmiddlewaretoken: csrf.value, quiet: "1" });
      return fetch(check, { method: "POST", body, credentials: "same-origin" });
    }
    const address = new URL(window.location.href);
    address.searchParams.set("fragment", "1");
    return fetch(address, { credentials: "same-origin" });
  };

  let timer = 0;
  const refresh = async () => {
    window.clearTimeout(timer);
    if (!document.hidden) {
      try {
        const answer = await ask();
        if (!answer.ok) {
          throw new Error(String(answer.status));
        }
        show(await answer.text());
        stale.hidden = true;
      } catch {
        stale.hidden = false;
      }
    }
    timer = window.setTimeout(refresh, 1000 * Number(overview.dataset.interval));
  };

  if (overview !== null) {
    timer = window.setTimeout(refresh, 1000 * Number(overview.dataset.interval));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) {
        refresh();
      }
    });
  }

  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    window.getSelection().removeAllRanges();
    window.getSelection().addRange(range);
  };

  document.querySelectorAll("button[data-copies]").forEach((button) => {
    const source = document.getElementById(button.dataset.copies);
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = button.dataset.done;
        window.setTimeout(() => {
          button.textContent = label;
        }, 2000);
      } catch {
        select(source); // no clipboard without https: the person presses Ctrl-C
      }
    });
  });
}
