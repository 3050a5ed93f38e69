// The chat page, and the chat on other pages (data-beside): asks through the REST API, shows an answer as text while it is made, and then lets the server show it with
// its sources. After a lost connection, or a reload of the page, it goes on where the text ends.
"use strict";
const PAUSE = 1000, ATTEMPTS = 30, MAX_TURNS = 40, STOP_MILLISECONDS = 4000;
const page = document.querySelector("[data-chat]");
const token = page.querySelector("[name=csrfmiddlewaretoken]").value;
const composer = page.querySelector("[data-composer]");
const isTemporary = page.dataset.temporary === "on", isBeside = "beside" in page.dataset;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const say = (text) => { page.querySelector("[data-status]").textContent = text; };
const fail = (text) => { if (composer) composer.querySelector("[data-error]").textContent = text; };

async function call(method, path, body, { headers, signal } = {}) {
  const response = await fetch(path, {
    method,
    credentials: "same-origin",
    headers: { "X-CSRFToken": token, ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    body: body ? JSON.stringify(body) : undefined,
    signal,
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refused(problem.detail || `The server answered ${response.status}. Load the page again.`);
}

class Refused extends Error {}

const api = (method, path, body, options) => call(method, `/api/v1/${path}`, body, options);
const asEvents = { Accept: "text/event-stream" };

// Yield [name, data] of each server-sent event.
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const frames = (rest + value).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const name = /^event: (.*)$/m.exec(frame), data = /^data: (.*)$/m.exec(frame);
      if (name && data) yield [name[1], JSON.parse(data[1])];
    }
  }
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

// An answer that is being made. `length` counts characters as the server does, not UTF-16 units.
class Answer {
  constructor(article) {
    this.article = article;
    this.id = article.dataset.message || null;
    this.text = article.querySelector("[data-text]");
    this.progress = article.querySelector("[data-progress]");
    this.length = [...this.text.textContent].length;
    this.finished = null;
    this.hasEnded = false;
  }

  static below(thread) {
    const article = element("article", "oyl-message oyl-message--assistant");
    article.setAttribute("aria-label", "Answer");
    article.append(element("div", "oyl-plain"), element("p", "oyl-note", "Searching the documents …"));
    article.children[0].dataset.text = article.children[1].dataset.progress = "";
    thread.append(article);
    return new Answer(article);
  }

  take(name, data) {
    if (name === "routed") this.progress.textContent = `${data.name} answers. ${data.why}`;
    if (name === "retrieved") this.progress.textContent = describe(data.passages);
    if (name === "tool_used") this.progress.textContent = data.result_summary;
    if (name === "piece") {
      this.text.append(data.text);
      this.length += [...data.text].length;
    }
    if (name === "started") this.id = data.message_id;
    if (name === "finished") this.finished = data;
    if (name === "failed") fail(data.detail || data.error_detail);
    this.hasEnded = this.hasEnded || ["finished", "stopped", "failed"].includes(name);
  }
}

function describe(passages) {
  const names = [...new Set(passages.map((passage) => passage.filename))];
  return names.length ? `Reading ${names.slice(0, 3).join(", ")}${names.length > 3 ? " …" : ""}` : "Nothing was found.";
}

// What a chat on another page adds to its questions: what is searched, and the text of the field that is tried as a draft.
function beside() {
  const { filters, draft } = page.dataset;
  return {
    ...(filters ? { filters: JSON.parse(filters) } : {}),
    ...(draft ? { draft: document.querySelector(draft).value } : {}),
  };
}

class Pane {
  constructor(section) {
    this.section = section;
    this.turns = []; // of a temporary conversation
    this.answer = this.controller = null;
  }

  get address() { return this.section.dataset.pane; }
  get thread() { return this.section.querySelector("[data-thread]"); }
  get isReadOnly() { return "readonly" in this.section.dataset; }
  get model() { const { asked } = this.section.dataset; return asked ? { model: JSON.parse(asked) } : {}; }
  get query() {
    const hasModels = panes.some((pane) => pane.section.dataset.model);
    return `pane=${this.address}${hasModels ? `&model=${this.section.dataset.model || ""}` : ""}`;
  }
  get conversation() { const [kind, id] = this.address.split(":"); return kind === "conversation" ? id : null; }

  ask(question) {
    const body = { question, keep: !isTemporary, ...this.model, ...beside() };
    if (this.conversation) Object.assign(body, { conversation: this.conversation, parent: this.lastAnswer() });
    if (isTemporary && this.turns.length) body.history = this.turns.slice(-MAX_TURNS);
    const { kind, partner } = this.section.dataset;
    this.showQuestion(question);
    return this.run(`${kind}s/${partner}/ask/`, body);
  }

  lastAnswer() {
    const answers = this.section.querySelectorAll(".oyl-message--assistant[data-message]");
    return answers.length ? answers[answers.length - 1].dataset.message : undefined;
  }

  edit(message, question) {
    this.cutFrom(message);
    this.showQuestion(question);
    return this.run(`messages/${message}/edit/`, { question, ...this.model });
  }

  regenerate(message) {
    this.cutFrom(message);
    return this.run(`messages/${message}/regenerate/`, this.model);
  }

  cutFrom(message) {
    const first = this.section.querySelector(`[data-message="${message}"]`);
    while (first.nextSibling) first.nextSibling.remove();
    first.remove();
  }

  showQuestion(question) {
    for (const old of this.thread.querySelectorAll(".oyl-suggestions, .oyl-greeting")) old.remove();
    const article = element("article", "oyl-message oyl-message--user");
    article.setAttribute("aria-label", "Question");
    article.append(element("div", "oyl-plain", question));
    this.thread.append(article);
    this.question = question;
  }

  async run(path, body) {
    this.answer = Answer.below(this.thread);
    this.answer.article.scrollIntoView({ block: "nearest" });
    const { answer } = this;
    await this.end(() => api("POST", path, body, { headers: asEvents, signal: this.controller.signal }));
    // A question that was refused can be sent again, or corrected.
    if (composer && !answer.id && !answer.finished) composer.question.value ||= body.question || "";
  }

  // An answer that was being made when the page was loaded.
  async resume() {
    const article = this.section.querySelector('[data-state="generating"]');
    if (!article) return;
    this.answer = new Answer(article);
    await this.end(() => this.followed());
  }

  followed() {
    const headers = { ...asEvents, "Last-Event-ID": String(this.answer.length) };
    return api("GET", `messages/${this.answer.id}/events/`, null, { headers, signal: this.controller.signal });
  }

  // Read the answer to its end, connecting again as often as it takes.
  async end(open) {
    const answer = this.answer;
    this.controller = new AbortController();
    update();
    for (let attempt = 0; attempt < ATTEMPTS && !answer.hasEnded; attempt++) {
      try {
        const before = answer.length;
        for await (const [name, data] of eventsOf(await open())) this.take(name, data);
        if (answer.length > before) attempt = 0;
      } catch (error) {
        if (this.controller.signal.aborted) break;
        if (error instanceof Refused) { fail(error.message); break; }
      }
      if (!answer.id) break;
      if (!answer.hasEnded) { await pause(PAUSE); open = () => this.followed(); }
    }
    if (!answer.hasEnded && !this.controller.signal.aborted && !answer.id && !composer.querySelector("[data-error]").textContent) {
      fail("The connection was lost. Ask again.");
    }
    this.answer = null;
    await this.show(answer);
    update();
  }

  take(name, data) {
    this.answer.take(name, data);
    if (name === "started" && data.conversation_id) {
      this.section.dataset.pane = `conversation:${data.conversation_id}`;
      history.replaceState(null, "", `?${panes.map((pane) => pane.query).join("&")}`);
    }
  }

  async show(answer) {
    if (this.conversation) await this.refresh();
    else if (answer.finished) await this.showTemporary(answer);
    else if (!answer.length) answer.progress.textContent = "There is no answer.";
    else answer.progress.textContent = "The answer was stopped.";
    const shown = this.section.querySelectorAll(".oyl-message--assistant [data-text]");
    if (shown.length) say(`Answer: ${shown[shown.length - 1].textContent.trim()}`);
  }

  async showTemporary(answer) {
    const response = await call("POST", page.dataset.render, answer.finished);
    answer.article.replaceChildren(...parsed(await response.text()).body.childNodes);
    const turns = [{ role: "user", text: this.question }, { role: "assistant", text: answer.finished.answer }];
    this.turns.push(...turns.filter((turn) => turn.text));
  }

  // Let the server show the conversation.
  async refresh() {
    const fresh = parsed(await (await call("GET", `?${this.query}`)).text());
    const section = fresh.querySelector("[data-pane]");
    if (!section) return;
    for (const { name, value } of section.attributes) this.section.setAttribute(name, value);
    this.section.replaceChildren(...section.childNodes);
    const list = page.querySelector("[data-conversations] ul"), newer = fresh.querySelector("[data-conversations] ul");
    if (list && newer) list.replaceWith(newer);
  }

  async stop() {
    const { answer, controller } = this;
    if (!answer) return;
    if (!answer.id) return controller.abort();
    await api("POST", `messages/${answer.id}/stop/`);
    // The server ends the stream when it has saved the text so far.
    setTimeout(() => controller.abort(), STOP_MILLISECONDS);
  }
}

const parsed = (html) => new DOMParser().parseFromString(html, "text/html");
const panes = [...page.querySelectorAll("[data-pane]")].map((section) => new Pane(section));
const paneOf = (inner) => panes.find((pane) => pane.section.contains(inner));
const isRunning = () => panes.some((pane) => pane.answer);
const shown = (promise) => promise.catch((error) => fail(error.message));

function update() {
  if (!composer) return;
  composer.querySelector("[type=submit]").hidden = isRunning();
  composer.querySelector("[data-do=stop]").hidden = !isRunning();
  composer.hidden = panes.every((pane) => pane.isReadOnly);
  for (const section of page.querySelectorAll("[data-pane]")) section.setAttribute("aria-busy", isRunning());
}

function stopAll() {
  say("Stopped.");
  return Promise.all(panes.map((pane) => pane.stop()));
}

function edit(message = "", question = "") {
  composer.dataset.message = message;
  composer.querySelector("[data-editing]").hidden = !message;
  composer.question.value = question;
  composer.question.focus();
}

function submit(question) {
  if (isRunning() || !question.trim()) return;
  const message = composer.dataset.message;
  fail("");
  edit();
  say("Answering.");
  if (message) shown(paneOf(page.querySelector(`[data-message="${message}"]`)).edit(message, question));
  else for (const pane of panes) if (!pane.isReadOnly) shown(pane.ask(question));
}

// Show a dialog, and return its form's values, or null if it was cancelled.
function asked(name, values = {}) {
  const dialog = page.querySelector(`[data-dialog="${name}"]`), form = dialog.querySelector("form");
  form.reset();
  dialog.returnValue = "";
  for (const [field, value] of Object.entries(values)) form.elements[field].value = value;
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue ? Object.fromEntries(new FormData(form)) : null);
    }, { once: true });
  });
}

const actions = {
  stop: () => stopAll(),
  suggest: (pane, button) => submit(button.textContent),
  edit(pane, button) {
    const message = button.closest("[data-message]");
    edit(message.dataset.message, message.querySelector("[data-text]").textContent);
  },
  async regenerate(pane, button) {
    if (isRunning()) return;
    say("Answering.");
    await pane.regenerate(button.closest("[data-message]").dataset.message);
  },
  async case(pane, button) {
    await api("POST", `messages/${button.closest("[data-message]").dataset.message}/case/`, {});
    button.textContent = "Saved as a case";
    say("The question is saved in an evaluation set, with the documents that the answer cites.");
  },
  async rename(pane, button) {
    const values = await asked("rename", { title: button.dataset.title });
    if (!values) return;
    await api("PATCH", `conversations/${pane.conversation}/`, { title: values.title });
    await pane.refresh();
  },
  async share(pane, button) {
    const isShared = button.getAttribute("aria-pressed") !== "true";
    await api("PATCH", `conversations/${pane.conversation}/`, { is_shared: isShared });
    await pane.refresh();
  },
  async delete(pane) {
    if (!(await asked("delete"))) return;
    await api("DELETE", `conversations/${pane.conversation}/`);
    location.assign(location.pathname);
  },
  async export(pane, button) {
    const headers = { Accept: button.dataset.media };
    const response = await api("GET", `conversations/${pane.conversation}/export/`, null, { headers });
    const link = element("a", "");
    link.href = URL.createObjectURL(await response.blob());
    link.download = button.dataset.file;
    link.click();
    URL.revokeObjectURL(link.href);
  },
  async rate(pane, button) {
    if (button.dataset.given) {
      await api("DELETE", `feedback/${button.dataset.given}/`);
      return pane.refresh();
    }
    const message = button.closest("[data-message]").dataset.message;
    const body = { message, rating: button.dataset.rating };
    if (button.dataset.citation) body.citation = Number(button.dataset.citation);
    await api("POST", "feedback/", body);
    await pane.refresh();
    const more = await asked("rate");
    if (more) await api("POST", "feedback/", { ...body, ...more });
  },
};

page.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  fail("");
  shown(Promise.resolve(actions[button.dataset.do](paneOf(button), button)));
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || page.querySelector("dialog[open]")) return;
  if (isRunning()) shown(stopAll());
  else if (composer && composer.dataset.message) edit();
});
function chooseFromList() {
  // A choice that is "nobody" does not belong into the address.
  page.querySelector("[data-choose]").addEventListener("formdata", (event) => {
    const [chosen, models] = ["pane", "model"].map((name) => event.formData.getAll(name));
    for (const name of ["pane", "model"]) event.formData.delete(name);
    chosen.forEach((pane, place) => {
      if (!pane) return;
      event.formData.append("pane", pane);
      if (models.length) event.formData.append("model", models[place]);
    });
  });
}
if (!isBeside && matchMedia("(max-width: 63.99rem)").matches) page.querySelector("[data-conversations]").open = false;
if (composer && !isBeside) chooseFromList();
if (composer) {
  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(composer.question.value);
  });
  composer.question.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit(composer.question.value);
  });
}
for (const pane of panes) shown(pane.resume());
update();
if (composer && !isBeside) composer.question.focus();
