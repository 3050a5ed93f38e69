// The server writes times as "2026-11-30 20:59:12 UTC", with no-break spaces (oyl/formats). They are shown in the viewer's zone:
// how long ago, or the date of what is long ago, with the exact time as the title.
"use strict";
(() => {
  const WRITTEN = /(\d{4}-\d\d-\d\d)\u00a0(\d\d:\d\d:\d\d)\u00a0UTC/;
  const LEFT_OUT = "script, style, textarea, option, pre, code, time";
  const RELATIVE_DAYS = 30;
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const page = document.documentElement.lang || "en";
  const language = navigator.languages.find((one) => one.split("-")[0] === page.split("-")[0]) || page;
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" });
  const short = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

  function show(time) {
    const at = new Date(time.dateTime);
    const seconds = Math.round((at - Date.now()) / 1000);
    const [unit, length] = UNITS.find(([, each]) => Math.abs(seconds) >= each) || UNITS.at(-1);
    const isNear = Math.abs(seconds) < RELATIVE_DAYS * 86400;
    const text = isNear ? relative.format(Math.round(seconds / length), unit) : short.format(at);
    if (time.textContent !== text) time.textContent = text;
  }

  function wrap(text) {
    const found = WRITTEN.exec(text.data);
    if (!found || text.parentElement?.closest(LEFT_OUT)) return;
    const written = text.splitText(found.index);
    const rest = written.splitText(found[0].length);
    const time = document.createElement("time");
    time.dateTime = `${found[1]}T${found[2]}Z`;
    time.dataset.written = found[0];
    time.title = exact.format(new Date(time.dateTime));
    written.replaceWith(time);
    show(time);
    wrap(rest);
  }

  function wrapAll(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) if (WRITTEN.test(walker.currentNode.data)) texts.push(walker.currentNode);
    texts.forEach(wrap);
  }

  document.addEventListener("DOMContentLoaded", () => {
    wrapAll(document.body);
    new MutationObserver((changes) => {
      for (const change of changes) change.addedNodes.forEach((node) => node.nodeType === Node.ELEMENT_NODE && wrapAll(node));
    }).observe(document.body, { childList: true, subtree: true });
    setInterval(() => document.querySelectorAll("time[data-written]").forEach(show), 30_000);
  });
})();
