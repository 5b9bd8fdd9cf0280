/** Menus: a popover beside the button that opens it; arrow keys walk, Escape closes (the browser's part). */
import { $, $$, on } from "./lib";
import { place } from "./place";

document.addEventListener("beforetoggle", (event) => {
  const menu = event.target as HTMLElement;
  if (!menu.matches?.(".menu") || (event as ToggleEvent).newState !== "open") return;
  const opener = $(`[popovertarget="${menu.id}"]`);
  if (opener) requestAnimationFrame(() => place(menu, opener));
}, true);

on("keydown", ".menu", (event, menu) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[(event as KeyboardEvent).key];
  if (!step) return;
  event.preventDefault();
  const items = $$(".menu-item", menu);
  const at = items.indexOf(document.activeElement as HTMLElement);
  items[(at + step + items.length) % items.length]?.focus();
});

on("click", ".menu .menu-item", (_, item) => {
  item.closest<HTMLElement>("[popover]")?.hidePopover();
});
