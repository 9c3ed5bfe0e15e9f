// Gives <img>, <video> and <audio> with data-cfsigned-name a fresh signed URL: when the file is
// refused, and before data-cfsigned-expires-at. The view of the site is data-url of the script.
(() => {
  const {url: view, csrfToken} = document.currentScript.dataset;
  if (!view) throw new Error("fresh_urls.js: set data-url to the address of your SignedUrlsView.");
  const selector = ":is(img, video, audio)[data-cfsigned-name]", margin = 60000, pause = 30000;
  // By name: the fresh URL, and until when nobody asks for another one. A refused file has none.
  const known = new Map();
  // By name: the elements for which a request is due or under way, and whether they were paused:
  // a browser pauses a film after its error.
  const waiting = new Map(), due = [];

  const set = (element, url, paused) => {
    const {currentTime, playbackRate} = element;
    element.src = url;
    if (!element.load) return;
    Object.assign(element, {currentTime, playbackRate});
    if (!paused) element.play().catch(() => {});
  };

  const renew = (element, hasFailed) => {
    const name = element.dataset.cfsignedName, fresh = known.get(name);
    if (waiting.has(name)) waiting.get(name).set(element, element.paused);
    else if (!fresh || Date.now() >= fresh.until) {
      waiting.set(name, new Map([[element, element.paused]]));
      // What fails at the same time is one request.
      if (due.push(name) === 1) setTimeout(askForAll, 100);
    } else if (fresh.url && element.getAttribute("src") !== fresh.url) set(element, fresh.url, element.paused);
    else if (hasFailed) fresh.until = Infinity;  // The file is missing.
  };

  const askForAll = () => {
    while (due.length) ask(due.splice(0, 100));
  };

  const ask = async (names) => {
    const token = csrfToken || (document.cookie.match(/(?:^|; )csrftoken=([^;]*)/) || [])[1] || "";
    const response = await fetch(view, {
      method: "POST",
      headers: {"Content-Type": "application/json", "X-CSRFToken": token},
      body: JSON.stringify({names}),
    }).catch(() => null);
    const {urls: found = {}, expires_at: end, refused = names} = await response?.json().catch(() => ({})) ?? {};
    const urls = new Map(Object.entries(found));
    // The clock of the viewer may be wrong: only the server's says how long the URLs live.
    const now = Date.parse(response?.headers.get("Date")) || Date.now();
    const life = end ? Math.max(Date.parse(end) - now - margin, pause) : Infinity;
    const others = names.filter((name) => !urls.has(name) && !refused.includes(name));
    for (const name of names.filter((name) => !others.includes(name))) {
      const url = urls.get(name), elements = waiting.get(name);
      waiting.delete(name);
      // After an error of the network or the server, the next error of the element asks again.
      if (!response || response.status >= 500) continue;
      known.set(name, {url, until: url ? Date.now() + life : Infinity});
      if (url) elements.forEach((paused, element) => set(element, url, paused));
    }
    if (others.length && others.length < names.length) ask(others);
  };

  const renewInTime = () => {
    for (const element of document.querySelectorAll(selector)) {
      if (Date.parse(element.dataset.cfsignedExpiresAt) - margin <= Date.now()) renew(element);
    }
  };

  document.addEventListener("error", ({target}) => {
    if (target.matches?.(selector)) renew(target, true);
  }, true);
  // What has failed before this script ran.
  for (const element of document.querySelectorAll(selector)) {
    if (element.error || (element.complete && !element.naturalWidth)) renew(element);
  }
  renewInTime();
  setInterval(renewInTime, pause);
})();
