// A picture that cannot be drawn gives way to the sentence that says why.
async function explain(picture) {
  const response = await fetch(picture.src, { credentials: "same-origin" });
  if (response.ok) return;
  const note = document.createElement("figcaption");
  note.className = "oyl-note";
  note.textContent = await response.text();
  picture.closest("figure").append(note);
  picture.hidden = true;
}

for (const picture of document.querySelectorAll("img[data-picture]")) {
  picture.addEventListener("error", () => explain(picture).catch(() => {}));
  if (picture.complete && !picture.naturalWidth) explain(picture).catch(() => {});
}
