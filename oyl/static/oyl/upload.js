// The upload form sends each file by itself, through the REST API: with its progress and its result, so that one bad file
// costs no other, and any number of files can be chosen. Files and folders can be dropped anywhere on the page.
"use strict";
const AT_ONCE = 2, KILO = 1024;
const form = document.querySelector("[data-upload]");
const list = form.querySelector("[data-files]"), summary = form.querySelector("[data-summary]");
const documentsInput = form.elements.documents;
const token = form.elements.csrfmiddlewaretoken.value;
const OUTCOMES = { added: "Added", updated: "Added in place of the earlier version", unchanged: "Unchanged: exactly this file is there already" };
const chosen = []; // each {file, path, row, state}: waiting, sending, done or failed

const count = (state) => chosen.filter((one) => one.state === state).length;
const amount = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  let unit = 0;
  for (; bytes >= KILO && unit < units.length - 1; unit += 1) bytes /= KILO;
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
}

function choose(file, path) {
  if (chosen.some((one) => one.path === path && one.state !== "failed")) return;
  const row = form.querySelector("[data-file-row]").content.firstElementChild.cloneNode(true);
  row.querySelector("[data-name]").textContent = path;
  row.querySelector("[data-size]").textContent = size(file.size);
  const one = { file, path, row, state: "waiting" };
  row.querySelector("[data-remove]").setAttribute("aria-label", `Remove ${path}`);
  row.querySelector("[data-remove]").addEventListener("click", () => remove(one));
  chosen.push(one);
  list.append(row);
  list.hidden = false;
  showSummary();
}

function remove(one) {
  chosen.splice(chosen.indexOf(one), 1);
  one.row.remove();
  showSummary();
}

function showSummary() {
  const parts = [
    [count("waiting"), "waiting"], [count("sending"), "being sent"], [count("done"), "stored"], [count("failed"), "not stored"],
  ];
  summary.textContent = `${amount(chosen.length, "file")}: ${parts.filter(([number]) => number).map((part) => part.join(" ")).join(", ")}.`;
  summary.hidden = !chosen.length;
  form.querySelector("[data-after]").hidden = !count("done") || Boolean(count("sending"));
  form.querySelector("[data-again]").hidden = !count("failed") || Boolean(count("sending"));
}

// The files of a dropped entry, those of its folders with their paths.
async function* filesOf(entry) {
  const asked = (ask) => new Promise(ask);
  if (entry.isFile) yield [await asked((done, fail) => entry.file(done, fail)), entry.fullPath.replace(/^\//, "")];
  if (!entry.isDirectory) return;
  const reader = entry.createReader();
  for (let entries; (entries = await asked((done, fail) => reader.readEntries(done, fail))).length; ) {
    for (const inside of entries) yield* filesOf(inside);
  }
}

async function drop(event) {
  event.preventDefault();
  document.body.classList.remove("oyl-dropping");
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  // All are asked at once: the list is emptied when this event has been handled.
  for (const [entry, file] of items.map((item) => [item.webkitGetAsEntry(), item.getAsFile()])) {
    if (!entry) choose(file, file.name);
    else for await (const [inside, path] of filesOf(entry)) choose(inside, path);
  }
}

function body(one) {
  const data = new FormData();
  data.append("reference", form.elements.reference.value);
  for (const tag of form.elements.tags.value.split(",").map((part) => part.trim()).filter(Boolean)) data.append("tags", tag);
  if (form.elements.metadata.value.trim()) data.append("metadata", form.elements.metadata.value);
  data.append("external_ids", one.path);
  data.append("files", one.file);
  return data;
}

function send(one) {
  one.state = "sending";
  one.row.querySelector("[data-remove]").hidden = true;
  const bar = one.row.querySelector("progress"), request = new XMLHttpRequest();
  bar.hidden = false;
  return new Promise((done) => {
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded / event.total; });
    request.addEventListener("loadend", () => { show(one, request); done(); });
    request.open("POST", "/api/v1/documents/upload/");
    request.setRequestHeader("X-CSRFToken", token);
    request.send(body(one));
  });
}

function show(one, request) {
  const answer = parsed(request.responseText), result = answer.results && answer.results[0];
  const text = one.row.querySelector("[data-result]");
  one.state = result ? "done" : "failed";
  one.row.dataset.state = one.state;
  one.row.querySelector("progress").hidden = true;
  one.row.querySelector("[data-remove]").hidden = Boolean(result);
  text.replaceChildren(...(result ? shown(result) : [problem(request, answer)]));
  showSummary();
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return {}; }
}

function problem(request, answer) {
  if (!request.status) return "The connection was lost. Try again.";
  const errors = (answer.errors || []).map((error) => error.detail || error.message);
  return errors.join(" ") || answer.detail || `The server answered ${request.status}. Load the page again.`;
}

function shown(result) {
  const parts = [link(result.id, OUTCOMES[result.outcome])];
  if (result.duplicate_of) parts.push("; the same file is there as ", link(result.duplicate_of, "another document"));
  return parts;
}

function link(id, text) {
  const made = document.createElement("a");
  made.href = form.dataset.document.replace("00000000-0000-0000-0000-000000000000", id);
  made.textContent = text;
  made.className = "oyl-link";
  return made;
}

async function sendAll() {
  const next = async () => {
    for (let one; (one = chosen.find((other) => other.state === "waiting")); ) await send(one);
  };
  form.querySelector("[data-after]").hidden = true;
  showSummary();
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  showSummary();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!form.elements.reference.value) form.elements.reference.focus();
  else if (chosen.length) sendAll();
  else documentsInput.showPicker ? documentsInput.showPicker() : documentsInput.focus();
});
form.querySelector("[data-again]").addEventListener("click", () => {
  for (const one of chosen.filter((other) => other.state === "failed")) one.state = "waiting";
  sendAll();
});
for (const input of form.querySelectorAll("input[type=file]")) {
  input.required = false;
  input.addEventListener("input", () => {
    for (const file of input.files) choose(file, file.webkitRelativePath || file.name);
    input.value = "";
  });
}
form.querySelector("[data-folder]").hidden = false;
window.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("oyl-dropping"); });
window.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("oyl-dropping"); });
window.addEventListener("drop", (event) => { drop(event).catch(() => { summary.textContent = "The files cannot be read. Choose them with the button."; summary.hidden = false; }); });
