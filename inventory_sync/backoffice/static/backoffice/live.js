// The home page fetches itself every few seconds. When that fails, old numbers must not look like new ones.
"use strict";

(() => {
  const mark = (text) => {
    const line = document.getElementById("freshness");
    if (line) {
      line.classList.add("isync-bad");
      line.textContent = `${text} Numbers below are from ${line.dataset.at}.`;
    }
  };
  document.addEventListener("htmx:sendError", () => mark("The server can't be reached."));
  document.addEventListener("htmx:timeout", () => mark("The server does not answer in time."));
  document.addEventListener("htmx:responseError", () => mark("The server could not refresh this page."));
})();
