// A form with data-passkey="create" or "get": its button asks the browser for a passkey by data-options, and sends the answer.
// Where the browser has none, because the page came without HTTPS for example, the form says so.
"use strict";
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const note = form.querySelector("[role=status]");
  if (!window.PublicKeyCredential) {
    note.textContent = form.dataset.absent;
    form.querySelector("[type=submit]").disabled = true;
    continue;
  }
  form.addEventListener("submit", async (event) => {
    const field = form.elements.namedItem("answer");
    if (field.value) return;
    event.preventDefault();
    note.textContent = "";
    try {
      const answer = await window.webauthnJSON[form.dataset.passkey](JSON.parse(form.dataset.options));
      field.value = JSON.stringify(answer);
      form.submit();
    } catch (error) {
      note.textContent = error.name === "InvalidStateError" ? form.dataset.known : form.dataset.stopped;
    }
  });
}
