// One key for each answer. Keys typed into a field belong to the field.
"use strict";

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) {
    return;
  }
  const answer = document.querySelector(`#review [data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (answer instanceof HTMLElement) {
    event.preventDefault();
    answer.click();
  }
});
