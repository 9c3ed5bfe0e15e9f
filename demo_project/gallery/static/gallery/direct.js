// Send a file to S3 by a form that the site signs, and let the site check what arrived.
"use strict";

(() => {
  const form = document.querySelector("form[data-start]");
  const input = form.querySelector("input[type=file]");
  const cancel = form.querySelector("[data-cancel]");
  const progress = form.querySelector("progress");
  const state = form.querySelector("[data-state]");
  const errors = form.querySelector(".errors");

  async function ask(url, fields) {
    const body = new FormData(form);
    for (const name in fields) body.set(name, fields[name]);
    const answer = await fetch(url, { method: "POST", body });
    if (answer.ok) return answer;
    const said = answer.status === 400 ? await answer.text() : "";
    throw said || interpolate(gettext("The site answered %s."), [answer.status]);
  }

  // fetch() tells nothing about the progress of an upload.
  const send = ({ url, fields }, file) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(), signed = new FormData();
    for (const name in fields) signed.append(name, fields[name]);
    signed.append("file", file);  // must be the last one
    request.open("POST", url);
    request.upload.addEventListener("progress", (event) => {
      progress.value = event.loaded / event.total;
      state.textContent = `${Math.floor(100 * progress.value)} %`;
    });
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(interpolate(gettext("S3 refused it: %s."), [request.status]));
    });
    request.addEventListener("error", () => reject(gettext("S3 does not answer.")));
    request.addEventListener("abort", () => reject(gettext("Canceled. S3 has kept nothing.")));
    cancel.onclick = () => request.abort();
    request.send(signed);
  });

  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    input.disabled = true;
    errors.hidden = true;
    progress.value = 0;
    state.textContent = "";
    const began = performance.now();
    try {
      const fields = { name: file.name, type: file.type, size: file.size };
      const upload = await (await ask(form.dataset.start, fields)).json();
      progress.hidden = cancel.hidden = false;
      await send(upload, file);
      cancel.hidden = true;
      state.textContent = gettext("The site looks at the file …");
      const paper = await (await ask(form.dataset.finish, { token: upload.token, name: file.name })).text();
      document.querySelector("[data-papers]").insertAdjacentHTML("afterbegin", paper);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      state.textContent = interpolate(gettext("In S3 after %s s. The links below are signed."), [seconds]);
    } catch (why) {
      state.textContent = "";
      errors.textContent = typeof why === "string" ? why : gettext("The site does not answer. Is the demo still running?");
      errors.hidden = false;
    }
    progress.hidden = cancel.hidden = true;
    input.disabled = false;
    input.value = "";
  });
})();
