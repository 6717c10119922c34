// A file that is too big is not sent at all; while a file is at work, its page asks every second how far it is.
"use strict";

(() => {
  const form = document.querySelector("form[data-most-bytes]");
  form?.addEventListener("submit", (event) => {
    const file = form.querySelector("input[type=file]").files[0];
    const note = document.getElementById("upload-note");
    if (file && file.size > Number(form.dataset.mostBytes)) {
      event.preventDefault();
      event.stopPropagation(); // nothing was sent, so that it may be sent again (once.js)
      note.classList.add("isync-bad");
      note.textContent = `${file.name} is bigger than ${Math.round(form.dataset.mostBytes / 1048576)} MB. Send it in parts.`;
    } else if (file && !event.defaultPrevented) {
      note.classList.remove("isync-bad");
      note.textContent = "The file is on its way. Stay on this page until the next one opens.";
    }
  });

  const box = document.getElementById("progress");
  if (!box) {
    return;
  }
  const text = document.getElementById("progress-text");
  const bar = document.getElementById("progress-bar");
  const look = async () => {
    try {
      const response = await fetch(box.dataset.url, { headers: { Accept: "application/json" } });
      if (response.redirected) {
        window.location.reload(); // logged out meanwhile
        return;
      }
      const now = await response.json();
      if (!now.busy) {
        window.location.reload();
        return;
      }
      text.textContent = now.text;
      bar.value = now.percent;
    } catch {
      text.textContent = "The server can't be reached. The work goes on without this page.";
    }
    window.setTimeout(look, 1000);
  };
  window.setTimeout(look, 500);
})();
