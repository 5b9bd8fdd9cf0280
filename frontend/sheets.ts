/** Sheets that the server draws when they are asked for: data-sheet="sheet/filter" names one of this list.
 *
 *  The parameters of the page go along, so a sheet always speaks of the list as it is now. */
import { $, mount, on, post, say, word } from "./lib";

/** Where the pages of this list live: the address of the page without its last step on a board. */
export function listBase(): string {
  return $("[data-desk]")?.dataset.desk ?? location.pathname;
}

/** Fetches a sheet and opens it; it is gone again when it closes. */
export async function openSheet(name: string, body?: FormData): Promise<HTMLDialogElement | null> {
  const url = new URL(listBase() + name, location.href);
  for (const [key, value] of new URLSearchParams(location.search)) url.searchParams.append(key, value);
  if (location.pathname.endsWith("/board")) url.searchParams.set("on", "board");
  const response = await (body ? post(url.href, body) : fetch(url)).catch(() => null);
  if (!response?.ok) {
    const text = (await response?.text().catch(() => "")) ?? "";
    say({ text: response?.status === 400 || response?.status === 422 ? text : word(response ? "failed" : "offline"), tone: "red" });
    return null;
  }
  const dialog = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("dialog");
  if (!dialog) return null;
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  document.dispatchEvent(new CustomEvent("htmx:after:swap")); // behaviours mount on what is new
  return dialog;
}

on("click", "[data-sheet]", (event, opener) => {
  event.preventDefault();
  void openSheet(opener.dataset.sheet ?? "");
});

/** Shows in the sheet what was wrong, so that nothing typed is lost. */
export function complain(form: Element, text: string): void {
  const place = $(".error-text", form);
  if (!place) return say({ text, tone: "red" });
  place.textContent = text;
  place.hidden = false;
}

/** Sends a form of a sheet; goes to the address that comes back, or says what was wrong. */
export async function send(form: HTMLFormElement, data: FormData): Promise<void> {
  form.setAttribute("aria-busy", "true");
  const response = await post(form.action, data).catch(() => null);
  form.removeAttribute("aria-busy");
  const answer: { message?: string; url?: string } = (await response?.json().catch(() => null)) ?? {};
  if (response?.ok && answer.url) location.href = answer.url;
  else if (response?.ok) location.reload();
  else complain(form, answer.message ?? word(response ? "failed" : "offline"));
}

on("submit", "form[data-post]", (event, form) => {
  event.preventDefault();
  void send(form as HTMLFormElement, new FormData(form as HTMLFormElement));
});

on("click", "form[data-post] [data-deed]", (_, button) => {
  const form = button.closest("form");
  if (!form) return;
  const data = new FormData();
  data.set("do", button.dataset.deed ?? "");
  void send(form, data);
});

/** The view one looks at stands in sight, however many there are. */
mount(".tabs-row > a[aria-current]", (tab) => tab.scrollIntoView({ block: "nearest", inline: "center" }));

/** "Save changes": the view keeps what the address says now. */
on("click", "[data-save-view]", async (_, button) => {
  const kept = new URLSearchParams(location.search);
  kept.delete("of");
  const response = await post(`${listBase()}views/${button.dataset.saveView}`, { do: "change", query: kept.toString() }).catch(() => null);
  const answer: { message?: string; url?: string } = (await response?.json().catch(() => null)) ?? {};
  if (response?.ok && answer.url) location.href = answer.url;
  else say({ text: answer.message ?? word(response ? "failed" : "offline"), tone: "red" });
});
