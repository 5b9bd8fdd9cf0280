/** The sheet of deeds on many records: shows the fields of the chosen one, and who was refused and why. */
import { $, $$, el, mount, post, word } from "./lib";
import { complain } from "./sheets";

interface Answer {
  message?: string;
  refused?: { title: string; why: string; url: string }[];
}

mount<HTMLFormElement>("form[data-bulk-form]", (form) => {
  const deed = $<HTMLSelectElement>("[name=deed]", form);
  deed?.addEventListener("change", () => {
    for (const fields of $$<HTMLFieldSetElement>("[data-deed-fields]", form)) {
      fields.disabled = fields.hidden = fields.dataset.deedFields !== deed.value;
    }
  });
  deed?.focus();

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    form.setAttribute("aria-busy", "true");
    const response = await post(form.action, new FormData(form)).catch(() => null);
    form.removeAttribute("aria-busy");
    const answer: Answer = (await response?.json().catch(() => null)) ?? {};
    if (!response?.ok) return complain(form, answer.message ?? word(response ? "failed" : "offline"));
    if (!answer.refused?.length) return location.reload();
    tell(form, answer);
  });
});

/** Names the refused ones; the list is drawn anew when the sheet closes. */
function tell(form: HTMLFormElement, answer: Answer): void {
  const place = $(".refusals", form);
  if (!place) return location.reload();
  $("p", place)?.replaceChildren(answer.message ?? "");
  $("ul", place)?.replaceChildren(...(answer.refused ?? []).map(({ title, why, url }) => el("li", {}, el("a", { href: url }, title), ` ${why}`)));
  place.hidden = false;
  for (const control of $$(".field, .deed-fields, .bulk-exports, .btn-primary", form)) control.hidden = true;
  form.closest("dialog")?.addEventListener("close", () => location.reload());
}
