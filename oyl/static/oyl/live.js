// While an element of the page is marked as unfinished, fetch the page again and replace only the elements with
// data-live, so that selections, open filters and the scroll position are kept.
"use strict";
const SECONDS = 3;

// Without what oyl/times.js and oyl/icons.js have changed.
function asSent(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time[data-written]")) time.replaceWith(time.dataset.written);
  for (const icon of copy.querySelectorAll(".material-symbols-outlined")) icon.removeAttribute("aria-hidden");
  return copy.outerHTML;
}

async function refresh() {
  if (document.hidden || !document.querySelector("[data-unfinished]")) return;
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${old.dataset.live}"]`);
    if (fresh && asSent(fresh) !== asSent(old)) old.replaceWith(document.importNode(fresh, true));
  }
}

setInterval(() => refresh().catch(() => {}), 1000 * SECONDS);
