/** The board: cards move by mouse, finger or keyboard; the server answers with new totals, or asks for what it needs. */
import { ask, type Question } from "./ask";
import { carries } from "./carry";
import { $, $$, el, mount, on, post, say, type Toast, word } from "./lib";
import { place } from "./place";

interface Moved {
  lanes?: Record<string, { count: string | number; total: string }>;
  card?: { id: number | string; version: number; amount?: string };
  message?: string;
  undo_url?: string;
  fields?: Question[];
  asked?: Toast[];
}

mount(".lanes", (board) => carries(board, (card, from, to, index) => void move(card, from, to, index)));

/** Tells the server; a refusal puts the card back where it was. */
async function move(card: HTMLElement, from: HTMLElement, to: HTMLElement, index: number, answers: Record<string, string> = {}): Promise<void> {
  const board = card.closest<HTMLElement>("[data-move-url]");
  if (!board) return;
  const url = (board.dataset.moveUrl ?? "").replace(/\{id\}|%7Bid%7D/, card.dataset.id ?? "");
  card.setAttribute("aria-busy", "true");
  const response = await post(url, { to: to.dataset.lane ?? "", version: card.dataset.version ?? "", ...answers }).catch(() => null);
  card.removeAttribute("aria-busy");
  const result: Moved = (await response?.json().catch(() => null)) ?? {};

  if (response?.ok) {
    if (result.card) card.dataset.version = String(result.card.version);
    for (const [id, { count, total }] of Object.entries(result.lanes ?? {})) {
      const lane = $(`.lane[data-lane="${CSS.escape(id)}"]`);
      if (!lane) continue;
      write(lane, ".count", String(count));
      write(lane, ".total", total);
    }
    say({ text: result.message ?? word("moved", { lane: to.getAttribute("aria-label") ?? "" }), undo_url: result.undo_url });
    result.asked?.forEach(say);
    return;
  }
  from.insertBefore(card, $$(".deal", from)[index] ?? null);
  if (response?.status === 422 && result.fields?.length) {
    const given = await ask({ title: `${word("move_to")} ${to.getAttribute("aria-label") ?? ""}`, text: result.message, submit: word("move"), fields: result.fields });
    if (!given) return;
    to.prepend(card);
    await move(card, from, to, index, { ...answers, ...given });
    return;
  }
  say({ text: result.message ?? word(response ? "failed" : "offline"), tone: "red" });
}

function write(lane: HTMLElement, selector: string, text: string): void {
  const spot = $(selector, lane);
  if (spot) spot.textContent = text;
}

/** "Move to": the same by keyboard, by a button on touch screens, or for whoever can't drag. */
on("click", ".deal-move", (event, button) => {
  event.preventDefault();
  event.stopPropagation();
  const card = button.closest<HTMLElement>(".deal");
  const from = card?.closest<HTMLElement>(".lane-cards");
  if (!card || !from) return;
  const menu = el("div", { class: "menu", popover: "auto", role: "group", "aria-label": word("move_to") }, el("h2", {}, word("move_to")));
  for (const lane of $$(".lane-cards")) {
    if (lane === from) continue;
    const item = el("button", { class: "menu-item", type: "button" }, lane.getAttribute("aria-label") ?? "");
    item.addEventListener("click", async () => {
      const index = $$(".deal", from).indexOf(card);
      lane.prepend(card);
      await move(card, from, lane, index);
      $("a", card)?.focus();
    });
    menu.append(item);
  }
  card.closest("main")?.append(menu);
  menu.showPopover();
  place(menu, button);
  menu.addEventListener("toggle", (toggled) => (toggled as ToggleEvent).newState === "closed" && menu.remove());
});
