/** data-ask="address" opens the sheet of a deed, which the server draws; form[data-verb-form] does it and stays here. */
import { ask, type Question } from "./ask";
import { $, $$, on, post, say, type Toast, word } from "./lib";
import { again } from "./peek";
import { fetchSheet, refresh } from "./renew";
import { complain } from "./sheets";

on("click", "[data-ask]", (event, opener) => {
  event.preventDefault();
  void fetchSheet(opener.dataset.ask ?? "");
});

/** A chip below a control puts its value in; pressed again it takes it away. */
on("click", "[data-set-value]", (_, chip) => {
  const control = $<HTMLInputElement>("input", chip.closest(".field") ?? document);
  if (!control) return;
  control.value = control.value === chip.dataset.setValue ? "" : (chip.dataset.setValue ?? "");
  for (const other of $$("[data-set-value]", chip.closest(".chips") ?? document)) other.setAttribute("aria-pressed", String(other.dataset.setValue === control.value));
});

interface Answer {
  message?: string;
  undo_url?: string;
  url?: string;
  asked?: Toast[];
  fields?: Question[];
}

on("submit", "form[data-verb-form]", (event, form) => {
  event.preventDefault();
  void carryOut(form as HTMLFormElement, new FormData(form as HTMLFormElement));
});

async function carryOut(sent: HTMLFormElement, data: FormData): Promise<void> {
  sent.setAttribute("aria-busy", "true");
  const response = await post(sent.action, data).catch(() => null);
  sent.removeAttribute("aria-busy");
  const answer: Answer = (await response?.json().catch(() => null)) ?? {};
  if (!response?.ok) {
    const more = (answer.fields ?? []).filter(({ name }) => !sent.elements.namedItem(name)); // not on the sheet so far
    const title = $("h2", sent)?.textContent ?? "";
    const given = more.length && (await ask({ title, text: answer.message, submit: title, fields: more }));
    if (!given) return complain(sent, answer.message ?? word(response ? "failed" : "offline"));
    for (const [name, value] of Object.entries(given)) data.set(name, value);
    return carryOut(sent, data);
  }
  const next = sent.dataset.again;
  sent.closest("dialog")?.close();
  if (next) {
    await fetchSheet(next); // a list that one goes on with, such as the shares
    return answer.message ? say({ text: answer.message }) : undefined;
  }
  if (answer.url) return void (location.href = answer.url);
  await refresh();
  await again();
  if (answer.message) say({ text: answer.message, undo_url: answer.undo_url });
  answer.asked?.forEach(say);
}
