/** What opens step by step: tabs, explanations, the source of a clause, and addresses that point inside a closed part. */
import { $, $$, on } from "./lib";

/** A tab shows as chosen at once, and no more what the last one held; htmx fetches what it holds. Arrow keys walk along. */
on("click", "[data-tab]", (_, tab) => {
  for (const other of $$("[data-tab]", tab.parentElement ?? document)) {
    other.setAttribute("aria-selected", String(other === tab));
    other.tabIndex = other === tab ? 0 : -1;
  }
  const panel = $("#tab");
  if (!panel) return;
  panel.setAttribute("aria-labelledby", tab.id);
  const coming = document.createElement("div");
  coming.className = "skeleton";
  coming.ariaHidden = "true";
  panel.replaceChildren(coming);
});

on("keydown", "[data-tab]", (event, tab) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[(event as KeyboardEvent).key];
  if (!step) return;
  const tabs = $$("[data-tab]", tab.parentElement ?? document);
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  next?.focus();
  next?.click();
});

/** Opens everything inside, or closes it when everything is open. */
on("click", "[data-open-all]", (_, button) => {
  const parts = $$<HTMLDetailsElement>(`${button.dataset.openAll} details`);
  const open = parts.some((part) => !part.open);
  for (const part of parts) part.open = open;
});

/** A choice that leads somewhere. */
on("change", "select[data-go]", (_, select) => {
  location.href = (select as HTMLSelectElement).value;
});

/** An address that points inside closed parts opens them on the way. */
function reveal(): void {
  const target = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  if (!target) return;
  for (let part = target.closest("details"); part; part = part.parentElement?.closest("details") ?? null) part.open = true;
  target.scrollIntoView({ block: "center" });
}
addEventListener("hashchange", reveal);
on("click", "[data-show-source]", () => requestAnimationFrame(reveal));
reveal();
