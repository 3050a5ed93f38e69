// The theme's icons are words that a font draws, such as "table_chart". They are no part of accessible names; a control that
// has nothing else gets their words as its name.
"use strict";
(() => {
  const ICON = ".material-symbols-outlined";
  const NAMES = { menu_book: "Home", more_horiz: "More", more_vert: "More" };
  const CONTROL = "a[href], button, summary, [role=button]";

  function hide(icon) {
    if (icon.ariaHidden === "true") return;
    icon.ariaHidden = "true";
    const control = icon.closest(CONTROL);
    if (!control || control.ariaLabel || control.title || control.hasAttribute("aria-labelledby")) return;
    const copy = control.cloneNode(true);
    copy.querySelectorAll(ICON).forEach((one) => one.remove());
    const word = icon.textContent.trim();
    if (!copy.textContent.trim() && !copy.querySelector("img[alt]")) control.ariaLabel = NAMES[word] || word.replaceAll("_", " ");
  }

  document.addEventListener("DOMContentLoaded", () => {
    const hideAll = () => document.querySelectorAll(ICON).forEach(hide);
    hideAll();
    new MutationObserver(hideAll).observe(document.body, { childList: true, subtree: true });
  });
})();
