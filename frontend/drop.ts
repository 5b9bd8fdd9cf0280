/** A file dropped on the box is chosen in it. */
import { $, mount } from "./lib";

mount("[data-drop]", (box) => {
  const input = $<HTMLInputElement>("input[type=file]", box);
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    box.addEventListener(type, (event) => {
      event.preventDefault();
      box.classList.toggle("over", type === "dragenter" || type === "dragover");
    });
  }
  box.addEventListener("drop", (event) => {
    const files = (event as DragEvent).dataTransfer?.files;
    if (input && files?.length) input.files = files;
  });
});
