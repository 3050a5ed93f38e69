// select2 gives its fields no accessible name: they get that of the label of the select element that they replace.
"use strict";
function nameSelects() {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const name = [...select.labels].map((label) => label.textContent.trim()).join(" ") || select.name;
    const container = select.nextElementSibling;
    for (const field of container?.querySelectorAll(".select2-selection, .select2-selection__rendered[role=textbox], .select2-search__field") || []) {
      field.removeAttribute("aria-labelledby"); // the chosen value, which may be empty
      if (!field.hasAttribute("aria-label")) field.setAttribute("aria-label", name);
    }
  }
}
document.addEventListener("DOMContentLoaded", () => {
  new MutationObserver(nameSelects).observe(document.body, { childList: true, subtree: true });
  nameSelects();
});
