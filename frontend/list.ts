/** Lists: a row opens on click, x selects it, empty filters stay out of the address. */
import { $, $$, mount, on, word } from "./lib";

on("click", ".rows tr[data-url]", (event, row) => {
  const mouse = event as MouseEvent;
  if ((mouse.target as Element).closest("a, button, input, label, select") || getSelection()?.toString()) return;
  if (mouse.ctrlKey || mouse.metaKey) open(row.dataset.url, "_blank", "noopener");
  else location.href = row.dataset.url ?? "";
});

on("change", ".rows .tick input", (_, tick) => select(tick.closest("tr"), (tick as HTMLInputElement).checked));

/** Marks a row as chosen and shows what can be done with the chosen ones. */
export function select(row: HTMLTableRowElement | null, chosen = row?.getAttribute("aria-selected") !== "true"): void {
  if (!row) return;
  row.setAttribute("aria-selected", String(chosen));
  const tick = $<HTMLInputElement>(".tick input", row);
  if (tick) tick.checked = chosen;
  count();
}

function count(): void {
  const bar = $("#selection");
  if (!bar) return;
  const rows = $$('.rows tr[aria-selected="true"]');
  bar.hidden = rows.length === 0;
  const text = $("[data-count]", bar);
  if (text) text.textContent = word("selected", { n: rows.length });
  for (const field of $$<HTMLInputElement>("input[name=ids]", bar)) field.value = rows.map((row) => row.dataset.id).join(",");
}

on("click", "[data-clear-selection]", () => {
  for (const row of $$<HTMLTableRowElement>('.rows tr[aria-selected="true"]')) select(row, false);
});

on("click", "[data-toggle]", (_, button) => {
  const opened = $(button.dataset.toggle ?? "")?.classList.toggle("open") ?? false;
  button.setAttribute("aria-expanded", String(opened));
});

/** A chip's colour follows its value at once. */
on("change", ".chip select, .chip input", (_, control) => {
  control.closest(".chip")?.classList.toggle("chip-on", Boolean((control as HTMLInputElement).value));
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
  count();
});
