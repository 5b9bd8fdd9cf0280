/** Short messages that leave by themselves, with an undo for ten seconds.
 *
 *  They come from the page (data-toasts), from a response header (HX-Trigger: {"toast": {text, tone, undo_url}}) or
 *  from another script. */
import { $, $$, el, icon, post, type Toast, word } from "./lib";
import { undone } from "./peek";

const SHORT = 5_000;
const LONG = 10_000;

function toast({ text, tone = "", undo_url, url }: Toast): void {
  const region = $("#toasts");
  if (!region || !text) return;
  above(region);
  const message = el("div", { class: `toast toast-${tone}` }, ...(tone === "red" ? [icon("alert-circle")] : []), el("span", { class: "grow" }, url ? el("a", { href: url }, text) : text));
  if (undo_url) {
    const undo = el("button", { class: "undo", type: "button" }, word("undo"));
    undo.addEventListener("click", async () => {
      message.remove();
      const response = await post(undo_url, {});
      if (response.ok) await undone();
      else toast({ text: word("failed"), tone: "red" });
    });
    message.append(undo);
  }
  const close = el("button", { type: "button", "aria-label": word("close") }, icon("x"));
  close.addEventListener("click", () => message.remove());
  message.append(close);
  region.append(message);
  leave(message, undo_url || tone === "red" ? LONG : SHORT);
}

/** What lies outside of an open sheet cannot be reached: while one is open the messages stand in it. */
function above(region: HTMLElement): void {
  const sheet = $$<HTMLDialogElement>("dialog[open]").at(-1);
  const place = sheet ?? document.body;
  if (region.parentElement !== place) place.append(region);
  sheet?.addEventListener("close", () => document.body.append(region), { once: true });
}

/** Removes the message after `wait` milliseconds, but never while someone points at it or stands in it. */
function leave(message: HTMLElement, wait: number): void {
  setTimeout(() => (message.matches(":hover, :focus-within") ? leave(message, 1_000) : message.remove()), wait);
}

for (const given of $$("[data-toast]")) {
  toast({ text: given.textContent?.trim() ?? "", tone: given.dataset.toast, undo_url: given.dataset.undo, url: given.dataset.url });
  given.remove();
}
document.addEventListener("toast", (event) => toast((event as CustomEvent<Toast>).detail));
document.addEventListener("htmx:error", () => toast({ text: word("offline"), tone: "red" }));
document.addEventListener("htmx:response:error", (event) => {
  const status = (event as CustomEvent).detail?.ctx?.response?.status ?? 0;
  if (status !== 422) toast({ text: word("failed"), tone: "red" });
});
