/** The palette: asks as you type, arrows walk the hits, Enter opens the first or the marked one. */
import { $, $$, on } from "./lib";

const hits = () => $$<HTMLAnchorElement>("#palette-hits a");

function mark(next: HTMLAnchorElement | undefined): void {
  for (const hit of hits()) hit.classList.toggle("active", hit === next);
  const input = $("#palette-input");
  if (next) {
    next.id ||= `hit-${hits().indexOf(next)}`;
    input?.setAttribute("aria-activedescendant", next.id);
    next.scrollIntoView({ block: "nearest" });
  } else input?.removeAttribute("aria-activedescendant");
}

on("keydown", "#palette-input", (event) => {
  const { key, isComposing } = event as KeyboardEvent;
  if (isComposing) return;
  const all = hits();
  const at = all.findIndex((hit) => hit.classList.contains("active"));
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (step) {
    event.preventDefault();
    mark(all[(at + step + all.length) % all.length]);
  } else if (key === "Enter") {
    event.preventDefault();
    (all[at] ?? all[0])?.click();
  }
});

/** What was found last time is not shown for the question of now. */
$("#palette")?.addEventListener("toggle", (event) => {
  if ((event as ToggleEvent).newState !== "open") return;
  const input = $<HTMLInputElement>("#palette-input");
  input?.select();
  input?.dispatchEvent(new Event("search"));
});
document.addEventListener("htmx:after:swap", () => mark(hits()[0]));
