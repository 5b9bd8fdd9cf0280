/** The page as the server shows it now, without loading it again: after a deed that a script sent. */
import htmx from "htmx.org";
import { $, $$, say, word } from "./lib";

/** Takes over the main part of a page that was fetched, and says its messages. */
export function renew(page: Document): void {
  const main = $("#main");
  const fresh = $("#main", page);
  if (!main || !fresh) return location.reload();
  main.replaceChildren(...fresh.childNodes);
  htmx.process(main, true);
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
  for (const given of $$("[data-toast]", page)) say({ text: given.textContent?.trim() ?? "", tone: given.dataset.toast, undo_url: given.dataset.undo, url: given.dataset.url });
}

/** Fetches this page again and shows its main part. */
export async function refresh(): Promise<void> {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!response?.ok) return say({ text: word(response ? "failed" : "offline"), tone: "red" });
  if (response.redirected) return void (location.href = response.url);
  renew(new DOMParser().parseFromString(await response.text(), "text/html"));
}

/** A piece of a page that the server draws. null after saying why it did not come. */
export async function fetchPart(url: string, selector: string): Promise<HTMLElement | null> {
  const response = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!response?.ok) {
    say({ text: word(response ? "failed" : "offline"), tone: "red" });
    return null;
  }
  return new DOMParser().parseFromString(await response.text(), "text/html").querySelector(selector);
}

/** A sheet that the server draws, opened. null after saying why it did not come. */
export async function fetchSheet(url: string): Promise<HTMLDialogElement | null> {
  const dialog = await fetchPart(url, "dialog");
  return dialog && showSheet(dialog as HTMLDialogElement);
}

/** Opens a sheet that has come; it is gone again when it closes. */
export function showSheet(dialog: HTMLDialogElement): HTMLDialogElement {
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  begin(dialog);
  return dialog;
}

/** Lets the behaviours mount on what is new. */
export function begin(part: HTMLElement): void {
  htmx.process(part, true);
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
}
