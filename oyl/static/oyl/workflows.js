// The pages of workflows: steps are checked as one types, names are inserted, and steps are moved by dragging. Without
// this script, the buttons of the pages do the same.
"use strict";
const CHECK_DELAY = 400;

for (const button of document.querySelectorAll("[data-confirm]")) {
  button.addEventListener("click", (event) => { if (!confirm(button.dataset.confirm)) event.preventDefault(); });
}

const stepForm = document.querySelector("[data-step]");
if (stepForm) {
  let waiting = 0, sent = 0;
  const shown = stepForm.querySelector("[data-problems]");

  const check = async () => {
    const number = (sent += 1);
    const response = await fetch(stepForm.dataset.check, { method: "POST", body: new FormData(stepForm), credentials: "same-origin" });
    if (!response.ok || number !== sent) return;
    const { problems } = await response.json();
    const list = document.createElement("ul");
    list.className = "oyl-problems";
    list.append(...problems.map((problem) => Object.assign(document.createElement("li"), { textContent: problem })));
    shown.replaceChildren(...(problems.length ? [list] : []));
  };
  stepForm.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => check().catch(() => {}), CHECK_DELAY);
  });

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
