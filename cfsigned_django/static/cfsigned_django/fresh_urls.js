// Gives <img>, <video> and <audio> with data-cfsigned-name a fresh signed URL: when the file is
// refused, and before data-cfsigned-expires-at. The view of the site is data-url of the script.
(() => {
  // In a stored text, <img name="cookie"> replaces document.cookie, but not the prototype's, and
  // <base> changes what an address is relative to, but not the location.
  const ofDocument = (name) => Reflect.get(Document.prototype, name, document);
  const {url, csrfToken} = ofDocument("currentScript").dataset;
  if (!url) throw new Error("fresh_urls.js: set data-url to the address of your SignedUrlsView.");
  const view = new URL(url, location);
  const selector = ":is(img, video, audio)[data-cfsigned-name]", margin = 60000, pause = 30000;
  // By name: the fresh URL, and until when nobody asks for another one. A refused file has none.
  const known = new Map();
  // By name: the elements for which a request is due or under way, and whether they were paused:
  // a browser pauses a film after its error.
  const waiting = new Map(), due = [];
  // What was asked for, and how much may be: a stored text may name thousands of files.
  const asked = new Set(), most = 500;
  let hasWarned = false;

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

  const isInView = (name) => [...waiting.get(name).keys()].some((element) =>
    [...element.getClientRects()].some(({top, bottom, left, right}) =>
      bottom >= 0 && top <= innerHeight && right >= 0 && left <= innerWidth));

  const mayAsk = (name) => {
    if (asked.has(name) || asked.size < most) return asked.add(name);
    waiting.delete(name);
    known.set(name, {until: Infinity});
    if (!hasWarned) console.warn(`fresh_urls.js: This page has asked for fresh URLs of ${most} files, the most until it is loaded again. For more files, use signed cookies.`);
    hasWarned = true;
    return false;
  };

  const askForAll = () => {
    const all = due.splice(0), names = [...new Set([...all.filter(isInView), ...all])].filter(mayAsk);
    while (names.length) ask(names.splice(0, 100));
  };

  const ask = async (names) => {
    const token = csrfToken || (ofDocument("cookie").match(/(?:^|; )csrftoken=([^;]*)/) || [])[1] || "";
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

  const findAll = () => ofDocument("querySelectorAll").call(document, selector);

  const renewInTime = () => {
    for (const element of findAll()) {
      if (Date.parse(element.dataset.cfsignedExpiresAt) - margin <= Date.now()) renew(element);
    }
  };

  ofDocument("addEventListener").call(document, "error", ({target}) => {
    if (target.matches?.(selector)) renew(target, true);
  }, true);
  // What has failed before this script ran.
  for (const element of findAll()) {
    if (element.error || (element.complete && !element.naturalWidth)) renew(element);
  }
  renewInTime();
  setInterval(renewInTime, pause);
})();
