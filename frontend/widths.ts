/** Column widths: drag the edge of a heading, or Alt and an arrow key on its link. The server keeps them. */
import { $, $$, el, mount, on, post } from "./lib";
import { listBase } from "./sheets";

const NARROWEST = 60;
const STEP = 16;

mount<HTMLTableElement>(".list table.table", (table) => {
  for (const head of $$<HTMLTableCellElement>("thead th[data-path]", table)) {
    const edge = el("span", { class: "edge", "aria-hidden": "true" });
    head.append(edge);
    edge.addEventListener("click", (event) => event.stopPropagation());
    edge.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      edge.setPointerCapture(event.pointerId);
      const [from, width] = [event.clientX, head.offsetWidth];
      fix(table);
      const drag = (moved: PointerEvent) => resize(table, head, width + moved.clientX - from);
      edge.addEventListener("pointermove", drag);
      edge.addEventListener("pointerup", () => {
        edge.removeEventListener("pointermove", drag);
        void keep(table);
      }, { once: true });
    });
  }
});

on("keydown", ".list thead th[data-path] a", (event, link) => {
  const key = event as KeyboardEvent;
  const step = { ArrowRight: STEP, ArrowLeft: -STEP }[key.key];
  const head = link.closest("th");
  const table = link.closest("table");
  if (!key.altKey || !step || !head || !table) return;
  event.preventDefault();
  const width = head.offsetWidth;
  fix(table);
  resize(table, head, width + step);
  void keep(table);
});

/** From now on the columns keep the widths that they have at this moment. */
function fix(table: HTMLTableElement): void {
  if (table.classList.contains("sized")) return;
  const heads = $$<HTMLTableCellElement>("thead th", table);
  const widths = heads.map((head) => head.offsetWidth);
  const group = el("colgroup", {}, ...widths.map((width) => el("col", { width: String(width) })));
  $("colgroup", table)?.remove();
  table.prepend(group);
  table.classList.add("sized");
}

function resize(table: HTMLTableElement, head: HTMLTableCellElement, width: number): void {
  $$("col", table)[head.cellIndex]?.setAttribute("width", String(Math.max(NARROWEST, Math.round(width))));
}

async function keep(table: HTMLTableElement): Promise<void> {
  const cols = $$("col", table);
  const widths: Record<string, number> = {};
  for (const head of $$<HTMLTableCellElement>("thead th[data-path]", table)) {
    widths[head.dataset.path ?? ""] = Number(cols[head.cellIndex]?.getAttribute("width"));
  }
  await post(`${listBase()}arrange`, { widths: JSON.stringify(widths) }).catch(() => null);
}
