/** Sheets: data-open="#id" opens a dialog, data-close closes it, a click beside it closes it too. */
import { ask } from "./ask";
import { $, el, icon, mount, on, word } from "./lib";

on("click", "[data-open]", (event, opener) => {
  const dialog = $<HTMLDialogElement>(opener.dataset.open ?? "");
  if (!dialog) return;
  event.preventDefault();
  dialog.showModal();
});

on("click", "[data-close]", (_, closer) => closer.closest("dialog")?.close());

document.addEventListener("mousedown", (event) => {
  if (!(event.target instanceof HTMLDialogElement)) return;
  const box = event.target.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside) event.target.close();
});

/** A dialog that came back from the server with errors opens again with what was typed. */
$<HTMLDialogElement>("dialog[data-errors]")?.showModal();

/** A button or form with data-confirm asks first, in the words of the page. */
on("submit", "form[data-confirm]", async (event, form) => {
  if (form.dataset.confirmed) return;
  event.preventDefault();
  const submitter = (event as SubmitEvent).submitter;
  const { confirm = "", confirmText: text } = form.dataset;
  const red = submitter?.classList.contains("btn-red");
  if (!(await ask({ title: confirm, text, red, submit: submitter?.textContent?.trim() ?? word("ok") }))) return;
  form.dataset.confirmed = "true";
  (form as HTMLFormElement).requestSubmit(submitter);
});

/** Every sheet written by the server gets its closing cross from here, so that it can't be forgotten. */
mount(".sheet-head:not(:has([data-close]))", (head) => {
  head.append(el("button", { class: "btn btn-icon btn-quiet", type: "button", "data-close": true, "aria-label": word("close") }, icon("x")));
});
