/** Edit a cell where it stands: double click, or Enter or e on the cell that has the focus. Enter saves, Esc takes back.
 *
 *  Arrow keys walk from cell to cell. The control is the one of the record's own form, fetched when it is needed, and
 *  the save carries the version that was seen. */
import { $, $$, el, icon, on, post, say, type Toast, word } from "./lib";
import { showSheet } from "./renew";

const HEADS = "thead th";

/** The heading of the column in which a cell stands. */
export function headOf(cell: HTMLTableCellElement): HTMLTableCellElement | undefined {
  return $$<HTMLTableCellElement>(HEADS, cell.closest("table") ?? document)[cell.cellIndex];
}

export function currentCell(): HTMLTableCellElement | null {
  return document.activeElement?.closest<HTMLTableCellElement>(".rows tr[data-id] > :is(td, th)") ?? null;
}

/** Puts the focus on a cell; the first one holds the row's link, which takes it. */
export function focusCell(cell: HTMLTableCellElement | null): void {
  if (!cell) return;
  const link = cell.matches(".lead") ? $<HTMLElement>(".row-link", cell) : null;
  if (!link) cell.tabIndex = -1;
  (link ?? cell).focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Walks to the next cell of the row that can be shown. */
export function walkCells(step: number): boolean {
  const cell = currentCell();
  if (!cell) return false;
  let next = (step > 0 ? cell.nextElementSibling : cell.previousElementSibling) as HTMLTableCellElement | null;
  while (next && (!next.offsetParent || next.matches(".tick"))) next = (step > 0 ? next.nextElementSibling : next.previousElementSibling) as HTMLTableCellElement | null;
  if (!next) return false;
  focusCell(next);
  return true;
}

on("dblclick", ".rows tr[data-id] > :is(td, th)", (event, cell) => {
  if ((event.target as Element).closest("form, .tick")) return;
  if (editCell(cell as HTMLTableCellElement)) event.preventDefault();
});

/** Opens the control of a cell. False when it cannot be edited here. */
export function editCell(cell: HTMLTableCellElement | null): boolean {
  const row = cell?.closest<HTMLTableRowElement>("tr[data-id]");
  const head = cell && headOf(cell);
  if (!cell || !row || !head?.matches("[data-editable]") || $("form", cell)) return false;
  getSelection()?.removeAllRanges();
  const at = cell.cellIndex;
  void open({
    place: cell,
    url: `${row.dataset.url}/cell/${head.dataset.path}`,
    row,
    home: () => focusCell(cell),
    saved: async (next, message) => {
      focusCell((next?.cells[at] as HTMLTableCellElement) ?? null);
      if (message) say(message);
      document.dispatchEvent(new CustomEvent("saved", { detail: row.dataset.url }));
    },
  });
  return true;
}

/** The same for a fact that stands outside of the list; `row` shows its record there, if any does. */
export function editFact(place: HTMLElement, url: string, row: HTMLTableRowElement | null, saved: (message?: Toast) => Promise<void>): Promise<void> {
  const buttons = [
    el("button", { class: "btn btn-primary btn-icon", "aria-label": word("save"), title: word("save") }, icon("check")),
    el("button", { class: "btn btn-icon", type: "button", "data-back": true, "aria-label": word("cancel"), title: word("cancel") }, icon("x")),
  ];
  return open({ place, url, row, buttons, home: () => $("button", place)?.focus(), saved: (_, message) => saved(message) });
}

/** Where a control opens, whose value it is, and what happens then. */
interface Spot {
  place: HTMLElement;
  url: string;
  row: HTMLTableRowElement | null;
  buttons?: HTMLButtonElement[];
  home: () => void;
  saved: (row: HTMLTableRowElement | null, message?: Toast) => Promise<void>;
}

async function open(spot: Spot): Promise<void> {
  const { place, url, home } = spot;
  place.setAttribute("aria-busy", "true");
  const response = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => null);
  place.removeAttribute("aria-busy");
  if (!response?.ok) {
    const text = response?.status === 403 ? await response.text() : word(response ? "failed" : "offline");
    say({ text, tone: "red" });
    return home();
  }
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  const sheet = answer.querySelector("dialog"); // what a deed changes asks in its sheet
  const form = answer.querySelector("form");
  if (sheet) showSheet(sheet).addEventListener("close", () => place.isConnected && home());
  else if (form) show(spot, form);
}

function show(spot: Spot, form: HTMLFormElement): void {
  const { place, home } = spot;
  const before = [...place.childNodes];
  const back = () => {
    place.replaceChildren(...before);
    place.classList.remove("editing");
    home();
  };
  place.classList.add("editing");
  form.append(...(spot.buttons ?? []));
  place.replaceChildren(form);
  document.dispatchEvent(new CustomEvent("htmx:after:swap")); // lets the combobox mount
  const control = $<HTMLInputElement>("input:not([type=hidden]), select, textarea", form);
  control?.focus();
  control?.select?.();
  form.addEventListener("click", (event) => {
    event.stopPropagation();
    if ((event.target as Element).closest("[data-back]")) back();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") back();
    else if ((event.target as Element).closest("button")) return;
    else if (event.key === "Enter" && !event.isComposing && !(event.target instanceof HTMLTextAreaElement && !event.ctrlKey)) form.requestSubmit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  form.addEventListener("focusout", () => {
    setTimeout(() => form.isConnected && !form.contains(document.activeElement) && form.dataset.changed !== "true" && back(), 0);
  });
  form.addEventListener("input", () => (form.dataset.changed = "true"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await save(spot, form);
  });
}

interface Saved {
  row?: string;
  version?: number;
  message?: string;
  undo_url?: string;
}

async function save({ url, row, saved }: Spot, form: HTMLFormElement): Promise<void> {
  form.setAttribute("aria-busy", "true");
  const data = new FormData(form);
  const table = row?.closest("table") ?? null;
  const heads = table ? $$<HTMLElement>("thead th[data-path]", table) : [];
  data.set("columns", heads.map((head) => head.dataset.path).join(","));
  const response = await post(url, data).catch(() => null);
  form.removeAttribute("aria-busy");
  const answer: Saved = (await response?.json().catch(() => null)) ?? {};
  if (!response?.ok) {
    say({ text: answer.message ?? word(response ? "failed" : "offline"), tone: "red" });
    const seen = $<HTMLInputElement>("input[name=version]", form);
    if (seen && answer.version) seen.value = String(answer.version); // both values were told: saving again is meant
    $<HTMLElement>("input:not([type=hidden]), select, textarea", form)?.focus();
    return;
  }
  const next = new DOMParser().parseFromString(`<table>${answer.row ?? ""}</table>`, "text/html").querySelector("tr");
  if (row && next) {
    next.setAttribute("aria-selected", row.getAttribute("aria-selected") ?? "false");
    row.replaceWith(next);
  } else row?.remove(); // it does not belong to this list any more, or may not be seen
  await saved(row && next, answer.message ? { text: answer.message, undo_url: answer.undo_url } : undefined);
  if (table) void addUp(table);
}

/** The sums of the whole list and of its groups, as they are after a change. */
async function addUp(table: HTMLTableElement): Promise<void> {
  const read = async (url: string) => {
    const text = await fetch(url, { headers: { Accept: "text/html" } }).then((response) => (response.ok ? response.text() : ""), () => "");
    return new DOMParser().parseFromString(text.includes("<table") ? text : `<table>${text}</table>`, "text/html");
  };
  if (table.dataset.totals) {
    const foot = $("tfoot", await read(table.dataset.totals));
    if (foot) $("tfoot", table)?.replaceWith(foot);
  }
  if (!table.matches(".table-groups")) return;
  for (const fresh of $$(".group-toggle", await read(location.href))) {
    const row = $(`.group-toggle[aria-controls="${fresh.getAttribute("aria-controls")}"]`, table)?.closest("tr");
    $$("td", row ?? el("tr")).forEach((sum, n) => sum.replaceWith($$("td", fresh.closest("tr") ?? el("tr"))[n] ?? sum));
  }
}
