/** The keyboard: j/k walk, Enter opens, x selects, e edits, c creates, / filters, g and a letter goes, ? shows all. */
import { $, $$, el, typing } from "./lib";
import { select } from "./list";

let going = 0;

/** Each place answers to the first free letter of its key: goals g, orders o. */
const letters = new Map<string, HTMLAnchorElement>();
for (const link of $$<HTMLAnchorElement>(".rail [data-place]")) {
  const letter = [...(link.dataset.place ?? "")].find((char) => !letters.has(char));
  if (letter) letters.set(letter, link);
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    $<HTMLDialogElement>("#palette")?.showModal();
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    (event.target as HTMLInputElement).form?.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && !$("dialog[open], :popover-open")) return leave(event);
  if (typing(event.target) || $("dialog[open], :popover-open")) return;

  if (going && Date.now() - going < 1_500) {
    going = 0;
    const link = letters.get(event.key.toLowerCase());
    if (link) location.href = link.href;
    return;
  }
  const command = commands[event.key];
  if (!command) return;
  event.preventDefault();
  command();
});

const commands: Record<string, () => void> = {
  g: () => (going = Date.now()),
  j: () => walk(1),
  k: () => walk(-1),
  x: () => select(current()?.closest("tr") ?? null),
  e: () => $("[data-key=edit]")?.click(),
  c: () => $("[data-key=create]")?.click(),
  m: () => document.activeElement?.closest(".deal")?.querySelector<HTMLElement>(".deal-move")?.click(),
  "/": () => $<HTMLInputElement>("[data-key=filter]")?.focus(),
  "?": help,
};

const current = () => document.activeElement?.closest<HTMLElement>(".row-link, [data-walk]") ?? null;

/** Moves the focus along rows, cards or search hits. */
function walk(step: number): void {
  const stops = $$(".row-link, [data-walk]").filter((stop) => stop.offsetParent);
  const at = stops.indexOf(current() as HTMLElement);
  const next = stops[at < 0 ? 0 : Math.max(0, Math.min(stops.length - 1, at + step))];
  for (const row of $$(".rows tr.at")) row.classList.remove("at");
  next?.closest("tr")?.classList.add("at");
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Escape leaves a field, and a form as its Cancel does. */
function leave(event: KeyboardEvent): void {
  const field = event.target as HTMLElement;
  const cancel = $<HTMLAnchorElement>("[data-key=cancel]");
  if (cancel && field.closest("form")) cancel.click();
  else if (typing(field)) field.blur();
}

function help(): void {
  const dialog = $<HTMLDialogElement>("#keys");
  const list = dialog && $(".keys", dialog);
  if (!dialog || !list) return;
  if (!list.dataset.filled) {
    list.dataset.filled = "true";
    for (const [letter, link] of letters) {
      list.append(el("div", {}, el("dt", {}, link.textContent?.trim() ?? ""), el("dd", {}, el("kbd", {}, "g"), " ", el("kbd", {}, letter))));
    }
  }
  dialog.showModal();
}
