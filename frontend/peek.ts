/** A short look at a record beside its list: p on a row, a card or a hit, or the eye that a row shows under the mouse.
 *
 *  Shift and Enter while the search is open. Up and down go on to the next one; the sheet follows. */
import { $, $$, el, icon, on, word } from "./lib";
import { fetchSheet } from "./renew";

const STOPS = ".row-link, .deal > a[data-walk], .hits a[data-walk]";

let shown: HTMLDialogElement | null = null;
let at: HTMLAnchorElement | null = null;

/** The records that can be looked at, in the order of the page; of the search while it is open. */
function stops(): HTMLAnchorElement[] {
  const palette = $("#palette[open]");
  const found = $$<HTMLAnchorElement>(STOPS, palette ?? $("#main") ?? document);
  return found.filter((link) => /^\/(x\/)?[^/]+\/\d+$/.test(link.pathname) && link.offsetParent);
}

/** Looks at the record of the row, card or hit that has the focus. False where there is none. */
export function peek(): boolean {
  const here = document.activeElement;
  const hit = $<HTMLAnchorElement>("#palette[open] [aria-selected=true]");
  const link = hit ?? here?.closest<HTMLAnchorElement>(STOPS) ?? (here?.closest("tr[data-id], .deal") ? $<HTMLAnchorElement>(STOPS, here.closest("tr[data-id], .deal")!) : null);
  if (!link || !stops().includes(link)) return false;
  void open(link);
  return true;
}

async function open(link: HTMLAnchorElement): Promise<void> {
  const before = shown;
  const dialog = await fetchSheet(`${link.pathname}/peek`);
  if (!dialog) return;
  shown = dialog;
  at = link;
  before?.close();
  for (const row of $$(".rows tr.at")) row.classList.remove("at");
  link.closest("tr")?.classList.add("at");
  dialog.addEventListener("close", () => {
    if (shown !== dialog) return;
    shown = null;
    at?.focus();
  });
}

/** The sheet shows the record as it is now, after a deed; the list may have been drawn anew. */
export async function again(): Promise<void> {
  if (!shown || !at) return;
  const path = at.pathname;
  await open(stops().find((link) => link.pathname === path) ?? at);
}

function step(by: number): void {
  const all = stops();
  const next = at && all[all.findIndex((link) => link.pathname === at?.pathname) + by];
  if (next) void open(next);
}

on("click", "[data-peek-step]", (_, button) => step(Number(button.dataset.peekStep)));
on("keydown", "dialog.peek", (event) => {
  const key = (event as KeyboardEvent).key;
  if ((event.target as Element).closest("textarea, input, select")) return;
  if (key === "ArrowDown" || key === "j") step(1);
  else if (key === "ArrowUp" || key === "k") step(-1);
  else if (key === "p") shown?.close();
  else if (key === "o" && at) location.href = at.href;
  else return;
  event.preventDefault();
  event.stopPropagation();
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
  const link = $<HTMLAnchorElement>(".row-link", eye.closest("tr") ?? undefined);
  if (link) void open(link);
});
if (matchMedia("(pointer: fine)").matches) {
  on("mouseover", ".list .rows tr[data-id]", (_, row) => {
    const lead = $(".lead", row);
    if (lead && eye.parentElement !== lead) lead.append(eye);
  });
}
