/** The palette: asks as you type, arrows walk the hits, Enter opens the first or the marked one. Enter pressed before the
 * answer to what is typed has come waits for it: the hits on the page may still be those of fewer letters. */
import { $, $$, on } from "./lib";

const hits = () => $$<HTMLAnchorElement>("#palette-hits a");

let waiting = false;

function answered(): boolean {
  const asked = $("#palette-hits [data-asked]")?.dataset.asked;
  return asked === $<HTMLInputElement>("#palette-input")?.value.trim().slice(0, 80);
}

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
    if (answered()) (all[at] ?? all[0])?.click();
    else waiting = true;
  } else waiting = false;
});

/** Each question begins anew. Before the dialog opens, not after: by then the first letters may have been typed. */
$("#palette")?.addEventListener("beforetoggle", (event) => {
  const input = $<HTMLInputElement>("#palette-input");
  if ((event as ToggleEvent).newState !== "open" || !input) return;
  input.value = "";
  waiting = false;
  input.dispatchEvent(new Event("search"));
});
document.addEventListener("htmx:after:swap", () => {
  mark(hits()[0]);
  if (waiting && answered()) {
    waiting = false;
    hits()[0]?.click();
  }
});
