/** Arrange the fields of a page: drag, or the buttons of a field. What is sent is the order in which they stand. */
import { $, $$, mount, on, post, say, word } from "./lib";
import { showSheet } from "./renew";

const ITEM = ".layout-item";

mount<HTMLFormElement>("form[data-layout]", (form) => {
  let dragged: HTMLElement | null = null;
  form.addEventListener("dragstart", (event) => {
    dragged = (event.target as HTMLElement).closest(ITEM);
    dragged?.classList.add("dragged");
  });
  form.addEventListener("dragover", (event) => {
    const over = event.target as HTMLElement;
    const list = $("[data-fields]", over.closest(".layout-section") ?? undefined);
    if (!dragged || !list || (list.matches("[data-left]") && $("[data-layout-out]:disabled", dragged))) return;
    event.preventDefault();
    const item = over.closest<HTMLElement>(ITEM);
    if (!item) return list.append(dragged);
    const box = item.getBoundingClientRect();
    if (item !== dragged) item[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
  });
  form.addEventListener("dragend", () => {
    if (dragged) settled(dragged);
    dragged = null;
  });
});

/** After a move: what stands first or is left out stands beside nothing. */
function settled(item: HTMLElement): void {
  item.classList.remove("dragged");
  for (const one of $$(`${ITEM}:first-child, [data-left] ${ITEM}`)) beside(one, false);
  $("[data-layout-out]", item)?.setAttribute("aria-pressed", String(item.closest("[data-left]") !== null));
  const list = $$(ITEM, item.parentElement ?? undefined);
  const said = $("[data-layout-said]");
  if (said) said.textContent = `${$(".grow", item)?.textContent?.trim()}: ${list.indexOf(item) + 1}/${list.length}`;
}

function beside(item: HTMLElement, holds: boolean): void {
  const input = $<HTMLInputElement>("input[name=item]", item);
  if (input) input.value = (holds ? "+" : "") + (item.dataset.name ?? "");
  item.classList.toggle("beside", holds);
  $("[data-layout-beside]", item)?.setAttribute("aria-pressed", String(holds));
}

on("click", "[data-layout-move]", (_, button) => {
  const item = button.closest<HTMLElement>(ITEM);
  const lists = $$("[data-fields]");
  if (!item) return;
  const up = button.dataset.layoutMove === "-1";
  const other = up ? item.previousElementSibling : item.nextElementSibling;
  const next = lists[lists.indexOf(item.parentElement!) + (up ? -1 : 1)];
  if (other) other[up ? "before" : "after"](item);
  else if (next && !(next.matches("[data-left]") && $("[data-layout-out]:disabled", item))) next[up ? "append" : "prepend"](item);
  settled(item);
  button.focus();
});

on("click", "[data-layout-beside]", (_, button) => {
  const item = button.closest<HTMLElement>(ITEM);
  if (item?.previousElementSibling && !item.closest("[data-left]")) beside(item, button.getAttribute("aria-pressed") !== "true");
});

on("click", "[data-layout-out]", (_, button) => {
  const item = button.closest<HTMLElement>(ITEM);
  const into = item?.closest("[data-left]") ? $$("[data-section] [data-fields]").at(-1) : $("[data-left]");
  if (!item || !into) return;
  into.append(item);
  settled(item);
  button.focus();
});

on("click", "[data-section-move]", (_, button) => {
  const section = button.closest<HTMLElement>("[data-section]");
  const up = button.dataset.sectionMove === "-1";
  const other = up ? section?.previousElementSibling : section?.nextElementSibling;
  if (!section || !other) return;
  other[up ? "before" : "after"](section);
  button.focus();
});

on("click", "[data-section-drop]", (_, button) => {
  const section = button.closest<HTMLElement>("[data-section]");
  const into = section?.previousElementSibling ?? section?.nextElementSibling;
  if (!section || !into) return;
  $("[data-fields]", into)?.append(...$$(ITEM, section));
  section.remove();
  $<HTMLElement>("[name=label_zh]", into)?.focus();
});

on("click", "[data-section-add]", () => {
  const blank = $<HTMLTemplateElement>("template[data-section-blank]")?.content.firstElementChild?.cloneNode(true);
  if (!blank) return;
  $("[data-sections]")?.append(blank);
  $<HTMLElement>("[name=label_zh]", blank as HTMLElement)?.focus();
});

on("click", "[data-layout-preview]", async (_, button) => {
  const data = new FormData(button.closest("form")!);
  data.set("do", "preview");
  const response = await post(location.href, data).catch(() => null);
  const text = (await response?.text().catch(() => "")) ?? "";
  const dialog = response?.ok ? new DOMParser().parseFromString(text, "text/html").querySelector("dialog") : null;
  if (dialog) showSheet(dialog);
  else say({ text: response?.status === 422 ? text : word(response ? "failed" : "offline"), tone: "red" });
});
