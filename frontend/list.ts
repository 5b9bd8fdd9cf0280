/** Lists: a row opens on click, x selects it, groups open, empty filters stay out of the address. */
import { $, $$, mount, on, word } from "./lib";
import { headOf } from "./cells";
import { beside } from "./peek";
import { openSheet } from "./sheets";

on("click", ".rows tr[data-url]", (event, row) => {
  const mouse = event as MouseEvent;
  const target = mouse.target as Element;
  clearTimeout(opening); // a second click means the cell (cells.ts)
  if (target.closest("a, button, input, label, select, textarea, form, .tick") || getSelection()?.toString()) return;
  const go = () => (beside() ? $(".row-link", row)?.focus() : (location.href = row.dataset.url ?? ""));
  const cell = target.closest<HTMLTableCellElement>("td, th");
  if (mouse.ctrlKey || mouse.metaKey) open(row.dataset.url, "_blank", "noopener");
  else if (!cell || !headOf(cell)?.matches("[data-editable]") || matchMedia("(pointer: coarse)").matches) go();
  else if (mouse.detail === 1) opening = window.setTimeout(go, 220);
});
let opening = 0;

// Selection

/** On a phone the ticks come when somebody asks for them, or holds a row; then a tap chooses instead of opening. */
on("click", "[data-selecting]", () => selecting($(".list")?.classList.contains("selecting") !== true));
function selecting(begins: boolean): void {
  $(".list")?.classList.toggle("selecting", begins);
  $("[data-selecting]")?.setAttribute("aria-pressed", String(begins));
  if (!begins) clearSelection();
}
on("contextmenu", ".rows tr[data-id]", (event, row) => {
  if (!matchMedia("(pointer: coarse)").matches) return;
  event.preventDefault();
  selecting(true);
  select(row as HTMLTableRowElement, true);
});
document.addEventListener("click", (event) => {
  const row = (event.target as Element).closest<HTMLTableRowElement>(".selecting .rows tr[data-id]");
  if (!row || (event.target as Element).closest(".tick")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  select(row);
}, true);

let last: HTMLTableRowElement | null = null;
let everything = false;

on("click", ".rows .tick input", (event, tick) => {
  select(tick.closest("tr"), (tick as HTMLInputElement).checked, (event as MouseEvent).shiftKey);
});

on("change", "[data-tick-all]", (_, tick) => {
  const chosen = (tick as HTMLInputElement).checked;
  for (const row of rows()) mark(row, chosen);
  everything = false;
  count();
});

const rows = () => $$<HTMLTableRowElement>(".rows tr[data-id]");

/** Marks a row as chosen, or all from the row chosen last to this one, and shows what can be done with them. */
export function select(row: HTMLTableRowElement | null, chosen = row?.getAttribute("aria-selected") !== "true", range = false): void {
  if (!row) return;
  const all = rows();
  const [from, to] = range && last ? [all.indexOf(last), all.indexOf(row)].sort((a, b) => a - b) : [all.indexOf(row), all.indexOf(row)];
  for (const one of all.slice(from, (to ?? 0) + 1)) mark(one, chosen);
  last = row;
  everything = false;
  count();
}

function mark(row: HTMLTableRowElement, chosen: boolean): void {
  row.setAttribute("aria-selected", String(chosen));
  const tick = $<HTMLInputElement>(".tick input", row);
  if (tick) tick.checked = chosen;
}

let pickedNow = 0;
/** How many rows are chosen; everything that the filter finds is more than any number. */
export const picked = (): number => pickedNow;

function count(): void {
  const bar = $("#selection");
  if (!bar) return;
  const all = rows();
  const chosen = all.filter((row) => row.getAttribute("aria-selected") === "true");
  bar.hidden = chosen.length === 0;
  const whole = $("#count")?.textContent?.trim() ?? "";
  const text = $("[data-count]", bar);
  if (text) text.textContent = word("selected", { n: everything ? whole : chosen.length });
  pickedNow = everything ? Infinity : chosen.length;
  document.dispatchEvent(new CustomEvent("selection"));
  const more = $("[data-select-all]", bar);
  if (more) {
    more.hidden = everything || chosen.length < all.length || whole === String(all.length);
    $("span", more)?.replaceChildren(whole);
  }
  const head = $<HTMLInputElement>("[data-tick-all]");
  if (head) {
    head.checked = all.length > 0 && chosen.length === all.length;
    head.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }
}

on("click", "[data-select-all]", () => {
  everything = true;
  count();
});

export function clearSelection(): void {
  everything = false;
  for (const row of rows()) mark(row, false);
  count();
}
on("click", "[data-clear-selection]", () => selecting(false));

/** The records that a deed is meant for: their ids, or "all" for everything that the filter finds. */
export function chosen(): FormData {
  const data = new FormData();
  if (everything) data.set("all", "1");
  else data.set("ids", rows().filter((row) => row.getAttribute("aria-selected") === "true").map((row) => row.dataset.id).join(","));
  return data;
}

on("click", "[data-bulk]", () => void openSheet("bulk", chosen()));

// Groups

on("click", ".group-toggle", (_, button) => {
  const body = document.getElementById(button.getAttribute("aria-controls") ?? "");
  const opened = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(opened));
  if (body) body.hidden = !opened;
});

// Filters and sort

on("click", "[data-toggle]", (_, button) => {
  const opened = $(button.dataset.toggle ?? "")?.classList.toggle("open") ?? false;
  button.setAttribute("aria-expanded", String(opened));
});

/** A chip's colour follows its value at once. */
on("change", ".chip select, .chip input", (_, control) => {
  control.closest(".chip")?.classList.toggle("chip-on", Boolean((control as HTMLInputElement).value));
});

/** A form of choices shows what was chosen at once. */
on("change", "form[data-auto]", (_, form) => (form as HTMLFormElement).requestSubmit());

/** Shift and a click on a heading adds it as a further sort key, or turns it round. */
on("click", ".list thead th[data-path] a", (event, link) => {
  if (!(event as MouseEvent).shiftKey) return;
  event.preventDefault();
  const path = link.closest("th")?.dataset.path ?? "";
  const url = new URL((link as HTMLAnchorElement).href);
  const here = new URLSearchParams(location.search).get("sort") ?? [...$$("th[aria-sort]")].map((th) => (th.getAttribute("aria-sort") === "descending" ? "-" : "") + th.dataset.path).join(",");
  const keys = here.split(",").filter(Boolean);
  const at = keys.findIndex((key) => key.replace(/^-/, "") === path);
  if (at < 0) keys.push(path);
  else keys[at] = keys[at]?.startsWith("-") ? path : `-${path}`;
  url.searchParams.set("sort", keys.join(","));
  location.href = url.href;
});

document.addEventListener("htmx:config:request", (event) => {
  const { request } = (event as CustomEvent).detail.ctx as { request: { method: string; body: FormData } };
  if (request.method !== "GET" || !(request.body instanceof FormData)) return;
  for (const [name, value] of [...request.body]) if (value === "") request.body.delete(name);
});

/** The sticky table head stands right under the page head, however high that is. */
mount(".list", (list) => {
  const heads = $$(".page-head, .filters");
  const measure = () => list.style.setProperty("--head", `${heads.filter((head) => getComputedStyle(head).position === "sticky").reduce((sum, head) => sum + head.offsetHeight, 0)}px`);
  new ResizeObserver(measure).observe(heads[0] ?? list);
  last = null;
  everything = false;
  count();
});
