/** A list with more columns than the page has room scrolls in itself, both ways: its head and its names stay in sight
 *  (list.css, .list.wide). One that fits goes on scrolling with the page. */
import { mount } from "./lib";

mount<HTMLTableElement>(".list table.table", (table) => {
  const list = table.closest<HTMLElement>(".list");
  if (!list) return;
  const watch = new ResizeObserver(() => {
    if (table.isConnected) list.classList.toggle("wide", table.offsetWidth > list.clientWidth + 1);
    else watch.disconnect();
  });
  watch.observe(table);
  watch.observe(list);
});
