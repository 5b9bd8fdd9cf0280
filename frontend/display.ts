/** What a list shows: which columns in which order, groups, sort and density. Kept by the server for this person. */
import { $, $$, mount, on, post, remember } from "./lib";

mount<HTMLFormElement>("form[data-display]", (form) => {
  const chosen = $("[data-columns]", form);
  if (!chosen) return;
  let dragged: HTMLElement | null = null;

  chosen.addEventListener("dragstart", (event) => {
    dragged = (event.target as HTMLElement).closest("li");
    dragged?.classList.add("dragged");
  });
  chosen.addEventListener("dragover", (event) => {
    event.preventDefault();
    const over = (event.target as HTMLElement).closest("li");
    if (!dragged || !over || over === dragged) return;
    const box = over.getBoundingClientRect();
    over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
  });
  chosen.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    dragged = null;
  });

  form.addEventListener("change", (event) => {
    const tick = event.target as HTMLInputElement;
    const item = tick.name === "column" ? tick.closest("li") : null;
    if (!item) return;
    item.draggable = tick.checked;
    $(".column-moves", item)?.toggleAttribute("hidden", !tick.checked);
    if (tick.checked) chosen.append(item);
    else $("[data-spare]", form)?.prepend(item);
    tick.focus();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await show($$<HTMLInputElement>("[name=column]:checked", chosen).map((tick) => tick.value));
  });
  $("[data-display-reset]", form)?.addEventListener("click", async () => {
    const data = { columns: form.dataset.declared ?? "", widths: "{}" };
    if (form.dataset.plain) await post(form.dataset.arrange ?? "", data).catch(() => null);
    location.href = form.dataset.address ?? "";
  });

  async function show(columns: string[]): Promise<void> {
    const data = new FormData(form);
    remember("density", String(data.get("density") ?? "compact"));
    const url = new URL(form.dataset.address ?? "", location.href);
    const sorts = [1, 2, 3].map((n) => [String(data.get(`down-${n}`) ?? ""), String(data.get(`sort-${n}`) ?? "")]).filter(([, path]) => path);
    if (data.get("group")) url.searchParams.set("group", String(data.get("group")));
    if (sorts.length) url.searchParams.set("sort", sorts.map((pair) => pair.join("")).join(","));
    // The plain list is remembered as this person has it; a view holds its columns itself.
    if (form.dataset.plain) await post(form.dataset.arrange ?? "", { columns: columns.join(",") }).catch(() => null);
    else if (columns.length) url.searchParams.set("columns", columns.join(","));
    location.href = url.href;
  }
});

on("click", "[data-column-up], [data-column-down]", (_, button) => {
  const item = button.closest("li");
  const other = button.matches("[data-column-up]") ? item?.previousElementSibling : item?.nextElementSibling;
  if (!item || !other) return;
  other[button.matches("[data-column-up]") ? "before" : "after"](item);
  button.focus();
});
