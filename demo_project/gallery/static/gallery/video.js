// Play the film with hls.js, renew what expired, and show what the edge is asked.
"use strict";

(() => {
  const video = document.querySelector("video[data-answer]");
  const state = document.querySelector("[data-state]");
  const list = document.querySelector("[data-log]");
  let hls, tries = 0, isRenewing = false;

  const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });

  function say(text, how) {
    if (state.textContent === text) return;
    state.textContent = text;
    state.dataset.state = how;
    state.className = `verdict verdict-${how}`;
  }

  async function open(position) {
    const response = await fetch(video.dataset.answer);
    if (!response.ok) throw new Error(interpolate(gettext("The site answered %s."), [response.status]));
    const answer = await response.json();
    video.crossOrigin = answer.cookies ? "use-credentials" : "anonymous";
    if (answer.poster) video.poster = answer.poster;
    showCaptions(answer.captions);
    if (!Hls.isSupported()) {
      // Safari on iOS plays HLS itself.
      video.src = answer.url;
      return;
    }
    // Another source stops the video.
    const wasPlaying = !video.paused;
    if (hls) hls.destroy();
    // Little is kept, so that a film of seconds is asked for again and again.
    hls = new Hls({
      backBufferLength: 0,
      enableWorker: false,
      maxBufferLength: 4,
      maxMaxBufferLength: 4,
      startPosition: position,
      xhrSetup: (xhr) => { xhr.withCredentials = answer.cookies; },
    });
    hls.on(Hls.Events.FRAG_BUFFERED, () => {
      tries = 0;
      say(gettext("The edge serves each piece of the film."), "yes");
    });
    hls.on(Hls.Events.ERROR, (event, data) => {
      // A refusal has no CORS headers, so its status, 403, is not seen here.
      if (data.type === Hls.ErrorTypes.NETWORK_ERROR && !isRenewing) renew(answer);
    });
    hls.loadSource(answer.url);
    hls.attachMedia(video);
    if (wasPlaying) video.play();
  }

  // The poster, and no controls with a wheel that turns for ever.
  function stop(text) {
    say(text, "no");
    hls.destroy();
    video.controls = false;
    video.load();
  }

  async function renew(answer) {
    isRenewing = true;
    tries += 1;
    hls.stopLoad();
    try {
      if (!(answer.cookies ? await refreshSignedCookies() : answer.expires_at)) {
        stop(gettext("Refused: the edge serves this viewer nothing."));
        return;
      }
      if (tries > 1) {
        // After a revocation, the site may have signed with the old key for some seconds more.
        say(gettext("Refused for now. The player tries again."), "no");
        await pause(2);
        if (answer.cookies && list.querySelector("li:first-child:not([data-refused]) small")) {
          stop(gettext("The edge serves the film, but the browser hides it from the player: the newest request says why."));
          return;
        }
      }
      if (answer.cookies && hls.levels.length) hls.startLoad();
      else await open(video.currentTime);
    } catch {
      say(gettext("The site does not answer. Is the demo still running?"), "no");
    } finally {
      isRenewing = false;
    }
  }

  function showCaptions(captions) {
    const tracks = Object.entries(captions).map(([language, url]) => {
      const track = document.createElement("track");
      track.kind = "captions";
      track.label = { en: "English", ko: "한국어" }[language];
      track.srclang = language;
      track.src = url;
      track.default = language === video.dataset.language;
      return track;
    });
    video.replaceChildren(...tracks);
  }

  async function showLog() {
    const response = await fetch(`${list.dataset.log}?since=${list.dataset.since}`);
    if (response.ok) {
      const { asked, end } = await response.json();
      list.dataset.since = end;
      if (asked.length) list.querySelector(".asked-none")?.remove();
      list.prepend(...asked.map(line).reverse());
      while (list.children.length > 12) list.lastElementChild.remove();
    }
    setTimeout(showLog, 1000);
  }

  function line({ time, status, code, name, why }) {
    const item = document.createElement("li");
    const parts = [["time", time], ["b", `${status} ${code}`.trim()], ["span", name]];
    if (why) parts.push(["small", why]);
    for (const [kind, text] of parts) {
      const part = document.createElement(kind);
      part.textContent = text;
      if (kind === "small") part.lang = "en";
      item.append(part);
    }
    item.toggleAttribute("data-refused", status >= "400");
    return item;
  }

  // Log out without leaving the page, to see what becomes of the film.
  document.querySelector("[data-leave]")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const response = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { "X-Requested-With": "fetch" },
    });
    if (!response.ok) return;
    document.getElementById("viewer").textContent = gettext("Logged out");
    form.closest(".seat").querySelector("p").textContent = gettext("Load the page again to log in.");
    for (const each of form.closest(".actions").querySelectorAll("form")) each.remove();
    video.play();
  });

  open(-1).catch((error) => say(error.message, "no"));
  showLog();
})();
