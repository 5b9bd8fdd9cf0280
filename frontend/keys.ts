/** The keyboard: j/k walk, Enter opens, x selects, e edits, p looks, c creates, / filters, g and a letter goes, ? shows all. */
import { $, $$, el, typing } from "./lib";
import { currentCell, editCell, focusCell, headOf, walkCells } from "./cells";
import { create } from "./create";
import { select } from "./list";
import { close as closeLook, peek } from "./peek";

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
    const form = (event.target as HTMLInputElement).form;
    // A sheet asks which button was pressed; the keys press the main one.
    form?.requestSubmit($<HTMLButtonElement>("button.btn-primary:not([type=button])", form));
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
  const command = event.shiftKey ? (shifted[event.key] ?? commands[event.key]) : commands[event.key];
  if (command && command() !== false) event.preventDefault();
});

/** With Shift: choose all rows from the one chosen last to this one, or to the next. */
const shifted: Record<string, () => unknown> = {
  X: () => select(row(), true, true),
  ArrowDown: () => row() !== null && stretch(1),
  ArrowUp: () => row() !== null && stretch(-1),
};

function stretch(step: number): void {
  select(row(), true);
  walk(step);
  select(row(), true);
}

/** Each says false where it means nothing, and the key keeps the meaning that the browser gives it. */
const commands: Record<string, () => unknown> = {
  g: () => (going = Date.now()),
  j: () => walk(1),
  k: () => walk(-1),
  x: () => select(row()),
  e: () => editCell(currentCell()) || editCell(firstEditable()) || $("[data-key=edit]")?.click(),
  o: () => $<HTMLElement>(".row-link", row() ?? undefined)?.click(),
  Enter: () => document.activeElement === currentCell() && editCell(currentCell()),
  F2: () => editCell(currentCell()),
  ArrowDown: () => row() !== null && walk(1),
  ArrowUp: () => row() !== null && walk(-1),
  ArrowRight: () => walkCells(1),
  ArrowLeft: () => walkCells(-1),
  p: () => peek(),
  f: () => $("[data-key=more-filters]")?.click(),
  a: () => $("[data-bulk]")?.click(),
  c: () => create(),
  m: () => document.activeElement?.closest(".deal")?.querySelector<HTMLElement>(".deal-move")?.click(),
  "/": () => $<HTMLInputElement>("[data-key=filter]")?.focus(),
  "?": help,
};

const current = () => document.activeElement?.closest<HTMLElement>(".row-link, [data-walk]") ?? null;
const row = () => document.activeElement?.closest<HTMLTableRowElement>("tr[data-id]") ?? null;

/** The first cell of the row that can be edited here: what `e` means on the row's name. */
function firstEditable(): HTMLTableCellElement | null {
  return ([...(row()?.cells ?? [])].find((cell) => headOf(cell)?.matches("[data-editable]")) as HTMLTableCellElement | undefined) ?? null;
}

/** Moves the focus along rows, cards or search hits. */
function walk(step: number): void {
  const here = currentCell();
  const stops = $$(".row-link, [data-walk]").filter((stop) => stop.offsetParent);
  const at = stops.indexOf((current() ?? (row() && $(".row-link", row() ?? undefined))) as HTMLElement);
  const next = stops[at < 0 ? 0 : Math.max(0, Math.min(stops.length - 1, at + step))];
  for (const row of $$(".rows tr.at")) row.classList.remove("at");
  next?.closest("tr")?.classList.add("at");
  const cell = here && !here.matches(".lead") ? (next?.closest("tr")?.cells[here.cellIndex] as HTMLTableCellElement | undefined) : undefined;
  if (cell) return focusCell(cell); // down a column, not back to its first
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Escape leaves a field, a form as its Cancel does, and closes the look beside the list. */
function leave(event: KeyboardEvent): void {
  const field = event.target as HTMLElement;
  const cancel = $<HTMLAnchorElement>("[data-key=cancel]");
  if (cancel && field.closest("form")) cancel.click();
  else if (typing(field)) field.blur();
  else closeLook();
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
