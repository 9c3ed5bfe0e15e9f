// Upload by dropping files anywhere on the page; the form alone does the same without this.
"use strict";

(() => {
  const form = document.querySelector("form[data-upload]");
  const curtain = document.querySelector("[data-curtain]");
  if (!form || !curtain) return;

  const input = form.querySelector("input[type=file]");
  const button = form.querySelector("button");
  const progress = form.querySelector("progress");
  const errors = form.querySelector(".errors");
  let depth = 0;

  function showErrors(messages) {
    errors.replaceChildren(
      ...messages.map((message) => {
        const item = document.createElement("li");
        item.textContent = message;
        return item;
      }),
    );
    errors.hidden = messages.length === 0;
  }

  function rest() {
    progress.hidden = true;
    input.disabled = false;
    input.value = "";
  }

  function finish(request) {
    if (request.status === 201) {
      location.assign(form.action);
      return;
    }
    rest();
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const messages = [...page.querySelectorAll(".errors li")].map((item) => item.textContent);
    showErrors(messages.length ? messages : [interpolate(gettext("The site answered %s."), [request.status])]);
  }

  function upload(files) {
    if (!files.length) return;
    const data = new FormData(form);
    data.delete("uploads");
    for (const file of files) data.append("uploads", file);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("X-Requested-With", "fetch");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress.value = event.loaded / event.total;
    });
    request.addEventListener("load", () => finish(request));
    request.addEventListener("error", () => {
      rest();
      showErrors([gettext("The site does not answer. Is the demo still running?")]);
    });
    showErrors([]);
    progress.value = 0;
    progress.hidden = false;
    input.disabled = true;
    request.send(data);
  }

  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    curtain.hidden = false;
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    curtain.hidden = depth === 0;
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    curtain.hidden = true;
    upload(event.dataTransfer.files);
  });
  // Choosing is all it takes; the button is for browsers without this script.
  button.hidden = true;
  input.addEventListener("change", () => upload(input.files));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    upload(input.files);
  });
})();
