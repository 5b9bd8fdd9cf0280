/** Merge: two to five rows that are chosen go side by side; which one stays takes its values along. */
import { $, $$, mount, on } from "./lib";
import { chosen, picked } from "./list";

on("click", "[data-merge]", (event, link) => {
  event.preventDefault();
  location.href = `${(link as HTMLAnchorElement).href}?ids=${String(chosen().get("ids"))}`;
});

/** The link shows where two to five are chosen. */
document.addEventListener("selection", () => {
  const link = $("[data-merge]");
  if (link) link.hidden = !(picked() >= 2 && picked() <= 5);
});

mount<HTMLFormElement>("form[data-merge-form]", (form) => {
  form.addEventListener("change", (event) => {
    const radio = event.target as HTMLInputElement;
    if (radio.name !== "keep") return;
    for (const other of $$<HTMLInputElement>(`input[type=radio][value="${radio.value}"]`, form)) {
      if (other.getAttribute("aria-label")?.endsWith(": –") !== true) other.checked = true;
    }
  });
});
