// Words that complete a field of words with commas between them: those that contain what is being written are shown, and a
// click on one, or Tab while only one is left, takes it.
for (const group of document.querySelectorAll("[data-words]")) {
  const field = document.querySelector(`[name="${group.dataset.words}"]`), words = [...group.children];
  const parts = () => field.value.split(",").map((part) => part.trim());
  const shown = () => words.filter((word) => !word.hidden);
  const narrow = () => {
    const all = parts(), last = all[all.length - 1].toLowerCase();
    for (const word of words) {
      const text = word.textContent.toLowerCase();
      const taken = all.slice(0, -1).some((part) => part.toLowerCase() === text) || text === last;
      word.hidden = taken || !text.includes(last);
    }
  };
  const take = (word) => {
    field.value = [...parts().slice(0, -1), word.textContent].join(", ") + ", ";
    narrow();
    field.focus();
  };
  for (const word of words) word.addEventListener("click", () => take(word));
  field.addEventListener("input", narrow);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey || !parts().at(-1) || shown().length !== 1) return;
    event.preventDefault();
    take(shown()[0]);
  });
  narrow();
}
