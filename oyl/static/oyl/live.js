// While something on the page is unfinished, ask for the page again and exchange what is live on it, so that a
// selection, an open filter or the place on the page is kept.
"use strict";
const SECONDS = 3;

async function refresh() {
  if (document.hidden || !document.querySelector("[data-unfinished]")) return;
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const news = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = news.querySelector(`[data-live="${old.dataset.live}"]`);
    if (fresh && fresh.outerHTML !== old.outerHTML) old.replaceWith(document.importNode(fresh, true));
  }
}

setInterval(() => refresh().catch(() => {}), 1000 * SECONDS);
