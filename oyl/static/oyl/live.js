// While an element of the page is marked as unfinished, fetch the page again and replace only the elements with
// data-live, so that selections, open filters and the scroll position are kept.
"use strict";
const SECONDS = 3;

async function refresh() {
  if (document.hidden || !document.querySelector("[data-unfinished]")) return;
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${old.dataset.live}"]`);
    if (fresh && fresh.outerHTML !== old.outerHTML) old.replaceWith(document.importNode(fresh, true));
  }
}

setInterval(() => refresh().catch(() => {}), 1000 * SECONDS);
