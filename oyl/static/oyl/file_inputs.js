// The theme writes the name of a chosen file into the first text field nearby, which belongs to something else here. Listeners
// of "input" are still called.
"use strict";
document.addEventListener("change", (event) => {
  if (event.target.type === "file") event.stopPropagation();
}, true);
