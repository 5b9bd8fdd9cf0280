/** What both have changed: the side that is chosen goes into the field of the form. */
import { $$, on } from "./lib";

on("change", "[data-take]", (_, choice) => {
  const { take, text } = choice.dataset;
  const value = (choice as HTMLInputElement).value;
  for (const control of $$<HTMLInputElement>("input, select, textarea", choice.closest("form") ?? document)) {
    if (control.name !== take) continue;
    if (control.type === "checkbox") control.checked = value === "on";
    else control.value = value;
    const shown = control.parentElement?.querySelector<HTMLInputElement>("input[data-pick]");
    if (shown && shown !== control) shown.value = value ? (text ?? "") : "";
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
});
