/** A short look at a record beside its list: p on a row, a card or a hit, or the eye that a row shows under the mouse.
 *
 *  On a desk it stands beside the list, which stays as usable as before: j and k walk and the look follows, p goes into
 *  it and back, Esc closes it. Over the search, and where there is no room, it is a sheet. */
import { editFact } from "./cells";
import { $, $$, el, icon, on, say, word } from "./lib";
import { begin, fetchPart, refresh, showSheet } from "./renew";

const STOPS = ".row-link, .deal > a[data-walk], .hits a[data-walk]";
const HOLDERS = "tr[data-id], .deal";
const ROOM = matchMedia("(min-width: 1100px)");

let shown: HTMLElement | null = null;
let path = "";

/** The records that can be looked at, in the order of the page; of the search while it is open. */
function stops(): HTMLAnchorElement[] {
  const palette = $("#palette[open]");
  const found = $$<HTMLAnchorElement>(STOPS, palette ?? $("#main") ?? document);
  return found.filter((link) => /^\/(x\/)?[^/]+\/\d+$/.test(link.pathname) && link.offsetParent);
}

const linkOf = (inside: Element | null): HTMLAnchorElement | null => {
  const holder = inside?.closest(HOLDERS);
  return inside?.closest<HTMLAnchorElement>(STOPS) ?? (holder ? $<HTMLAnchorElement>(STOPS, holder) : null);
};
const at = () => stops().find((link) => link.pathname === path) ?? null;

/** Whether a look stands beside the list, and a click on a row means the next look. */
export const beside = (): boolean => shown?.matches("aside") === true;

/** Looks at the record of the row, card or hit that has the focus; where a look stands already, goes into it. False
 *  where there is none. */
export function peek(): boolean {
  const link = $<HTMLAnchorElement>("#palette[open] [aria-selected=true]") ?? linkOf(document.activeElement);
  if (!link || !stops().includes(link)) return false;
  const into = beside();
  void (into && link.pathname === path ? Promise.resolve() : show(link.pathname)).then(() => into && shown?.focus());
  return true;
}

/** Shows the record of this address; what is shown already is drawn anew where it stands. */
async function show(wanted: string): Promise<void> {
  const same = shown !== null && wanted === path;
  path = wanted;
  mark();
  const fresh = await fetchPart(`${wanted}/peek`, "aside");
  if (path !== wanted) return; // somebody walked on meanwhile
  if (!fresh) {
    if (same) close();
    else path = shown?.dataset.peeked ?? "";
    return;
  }
  if (shown) renewed(shown, fresh, same);
  else open(fresh);
  if (shown) shown.dataset.peeked = wanted;
  mark();
}

/** Takes over what has come, without losing the focus or the place. */
function renewed(place: HTMLElement, fresh: HTMLElement, same: boolean): void {
  const focus = document.activeElement as HTMLElement | null;
  const inside = place.contains(focus) || place.matches("dialog");
  place.replaceChildren(...fresh.childNodes);
  if (!same) place.scrollTop = 0;
  begin(place);
  const step = focus?.dataset.peekStep;
  if (inside) ((step && $(`[data-peek-step="${step}"]`, place)) || place).focus();
}

function open(fresh: HTMLElement): void {
  const shell = $(".shell");
  if (!ROOM.matches || !shell || $("#palette[open]")) {
    const dialog = el("dialog", { class: "sheet drawer peek", "aria-labelledby": "peek-title" }, ...fresh.childNodes);
    dialog.addEventListener("close", () => gone(true));
    shown = showSheet(dialog);
    return;
  }
  shown = fresh;
  shell.append(fresh);
  begin(fresh);
  const title = $("#peek-title", fresh)?.textContent?.trim() ?? "";
  const told = el("span", { class: "visually-hidden" }, word("beside", { title }));
  $("#toasts")?.append(told); // the focus stays in the list: who hears the page is told
  setTimeout(() => told.remove(), 5_000);
}

function mark(): void {
  for (const row of $$(".rows tr.at")) row.classList.remove("at");
  at()?.closest("tr")?.classList.add("at");
}

/** Closes the look; a focus that stood in it, or nowhere, goes back to the row. False where there is none. */
export function close(): boolean {
  const closing = shown;
  if (closing instanceof HTMLDialogElement) closing.close();
  else if (closing) {
    const inside = closing.contains(document.activeElement) || document.activeElement === document.body;
    closing.remove();
    gone(inside);
  }
  return closing !== null;
}

function gone(inside: boolean): void {
  const back = at();
  shown = null;
  path = "";
  if (inside) back?.focus();
}

/** The look shows the record as it is now, after a deed; the list may have been drawn anew. */
export async function again(): Promise<void> {
  if (shown) await show(path);
}

/** After something was undone: the page anew, with the look that is open. */
export async function undone(): Promise<void> {
  if (!beside()) return location.reload();
  await refresh();
  await again();
  if (document.activeElement === document.body) at()?.focus();
}

function step(by: number): void {
  const all = stops();
  const here = all.findIndex((link) => link.pathname === path);
  const next = here < 0 ? undefined : all[here + by];
  if (next) void show(next.pathname);
}

// The look follows the focus through the list.
let following = 0;
document.addEventListener("focusin", (event) => {
  const target = event.target as Element;
  if (!beside() || target.closest(".tick")) return;
  const link = linkOf(target);
  if (!link || link.pathname === path || !stops().includes(link)) return;
  clearTimeout(following);
  following = window.setTimeout(() => beside() && void show(link.pathname), 90);
});

// A cell of the list was changed.
document.addEventListener("saved", (event) => {
  if ((event as CustomEvent<string>).detail === path) void again();
});

on("click", "[data-peek-step]", (_, button) => step(Number(button.dataset.peekStep)));
on("click", "aside.peek [data-close]", () => close());
on("click", "[data-edit-cell]", (_, button) => {
  const place = button.closest<HTMLElement>("dd, h2");
  const name = button.dataset.editCell ?? "";
  const row = at()?.closest<HTMLTableRowElement>("tr[data-id]") ?? null;
  if (!place) return;
  void editFact(place, `${path}/cell/${name}`, row, async (message) => {
    if (!row) await refresh();
    await again();
    $(`[data-edit-cell="${CSS.escape(name)}"]`, shown ?? undefined)?.focus();
    if (message) say(message);
  });
});

on("keydown", ".peek", (event) => {
  const { key, target, ctrlKey, metaKey, altKey } = event as KeyboardEvent;
  if ((target as Element).closest("textarea, input, select") || ctrlKey || metaKey || altKey) return;
  if (key === "ArrowDown" || key === "j") step(1);
  else if (key === "ArrowUp" || key === "k") step(-1);
  else if (key === "p" && beside()) at()?.focus();
  else if (key === "p" || (key === "Escape" && beside())) close();
  else if (key === "e") $("[data-edit-cell]", shown ?? undefined)?.click();
  else if (key === "o" || (key === "Enter" && target === shown)) location.href = path;
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.shiftKey || !(event.target as Element).closest("#palette")) return;
  if (!peek()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

/** One eye for all rows: it moves to the row under the mouse. Fingers open the record itself. */
const eye = el("button", { class: "btn btn-icon btn-quiet row-peek", type: "button", tabindex: "-1", "aria-label": word("peek"), title: `${word("peek")} (p)` }, icon("eye"));
eye.addEventListener("click", (event) => {
  event.stopPropagation();
  const link = linkOf(eye);
  if (!link) return;
  link.focus();
  void show(link.pathname);
});
if (matchMedia("(pointer: fine)").matches) {
  on("mouseover", ".list .rows tr[data-id]", (_, row) => {
    const lead = $(".lead", row);
    if (lead && eye.parentElement !== lead) lead.append(eye);
  });
}
