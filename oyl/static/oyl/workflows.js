// The pages of workflows: steps and triggers are checked as one types, names are inserted, and steps are moved by dragging. Without
// this script, the buttons of the pages do the same.
"use strict";
const CHECK_DELAY = 400;

for (const button of document.querySelectorAll("[data-confirm]")) {
  button.addEventListener("click", (event) => { if (!confirm(button.dataset.confirm)) event.preventDefault(); });
}

const checkAsOneTypes = (part) => {
  let waiting = 0, sent = 0;
  const form = part.closest("form"), shown = part.querySelector("[data-problems]"), ticks = part.querySelector("[data-ticks]");
  const items = (texts) => texts.map((text) => Object.assign(document.createElement("li"), { textContent: text }));

  const check = async () => {
    const number = (sent += 1);
    const response = await fetch(part.dataset.check, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    if (!response.ok || number !== sent) return;
    const found = await response.json();
    const list = document.createElement("ul");
    list.className = "oyl-problems";
    list.append(...items(found.problems));
    shown.replaceChildren(...(found.problems.length ? [list] : []));
    if (!ticks) return;
    ticks.replaceChildren(...items(found.ticks));
    ticks.parentElement.hidden = !found.ticks.length;
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => check().catch(() => {}), CHECK_DELAY);
  });
};

for (const part of document.querySelectorAll("[data-check]")) checkAsOneTypes(part);

for (const zone of document.querySelectorAll('input[list="oyl-zones"]')) {
  zone.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const stepForm = document.querySelector("[data-step]");
if (stepForm) {
  const bar = document.querySelector("[data-names-bar]");
  for (const field of stepForm.querySelectorAll("textarea[data-names]")) {
    const names = bar.content.firstElementChild.cloneNode(true);
    names.addEventListener("click", ({ target }) => {
      if (!target.dataset.name) return;
      field.setRangeText(`{{ ${target.dataset.name} }}`, field.selectionStart, field.selectionEnd, "end");
      field.focus();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    field.after(names);
  }
}

const order = document.querySelector("[data-order]");
if (order) {
  const list = order.querySelector("ol");
  let dragged = null;
  list.addEventListener("dragstart", ({ target }) => {
    dragged = target.closest("li[draggable]");
    dragged?.classList.add("oyl-dragged");
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("li[draggable]");
    if (!dragged || !over || over === dragged) return;
    event.preventDefault();
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY < top + height / 2) over.before(dragged);
    else over.after(dragged);
  });
  list.addEventListener("drop", (event) => event.preventDefault());
  list.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("oyl-dragged");
    dragged = null;
    const keys = [...list.querySelectorAll("li[data-key]")].map((item) => item.dataset.key).join(" ");
    if (keys === before) return;
    order.elements.keys.value = keys;
    order.requestSubmit(order.querySelector('[value="order"]'));
  });
  const before = [...list.querySelectorAll("li[data-key]")].map((item) => item.dataset.key).join(" ");
}
