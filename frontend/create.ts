/** Something new over any page: c or the plus opens a sheet with the few fields that are needed; the page stays.
 *
 *  While one types, what may be there already is shown; a pasted card or signature fills the fields. */
import { $, $$, mount, on, post, say, word } from "./lib";
import { fetchSheet, refresh } from "./renew";
import { complain } from "./sheets";

/** Opens the sheet for what this page is about: the list's own kind, and on a record what belongs to it. */
export async function create(): Promise<void> {
  const here = $<HTMLAnchorElement>("[data-key=create]")?.pathname.replace(/^\/|\/new$/g, "") ?? "";
  const record = /^\/(x\/)?[^/]+\/\d+$/.test(location.pathname) ? location.pathname : "";
  const query = new URLSearchParams({ ...(here ? { of: here } : {}), ...(record ? { from: record } : {}) });
  const dialog = await fetchSheet(`/create?${query}`);
  if (dialog) first(dialog);
}

const first = (place: ParentNode) => $<HTMLElement>("form .field :is(input:not([type=hidden]), select, textarea)", place)?.focus();

on("click", "[data-quick-create]", (event) => {
  event.preventDefault();
  void create();
});

/** Another kind: its fields come from the server. */
on("change", "[data-create-kind]", async (_, kind) => {
  const place = $("[data-create-fields]", kind.closest("dialog") ?? document);
  const response = await fetch((kind as HTMLSelectElement).value).catch(() => null);
  if (!place || !response?.ok) return say({ text: word(response ? "failed" : "offline"), tone: "red" });
  fill(place, await response.text());
  first(place);
});

function fill(place: HTMLElement, html: string): void {
  place.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  document.dispatchEvent(new CustomEvent("htmx:after:swap")); // behaviours mount on what is new
}

on("submit", "form[data-quick]", async (event, element) => {
  if ((event as SubmitEvent).submitter?.matches("[data-all-fields]")) return;
  event.preventDefault();
  const form = element as HTMLFormElement;
  form.setAttribute("aria-busy", "true");
  const response = await post(form.action, new FormData(form)).catch(() => null);
  form.removeAttribute("aria-busy");
  if (response?.status === 422) {
    const place = form.closest<HTMLElement>("[data-create-fields]");
    if (place) fill(place, await response.text());
    $<HTMLElement>("[data-create-fields] .errorlist")?.closest(".field")?.querySelector<HTMLElement>("input, select, textarea")?.focus();
    return;
  }
  const answer: { message?: string; undo_url?: string; url?: string } = (await response?.json().catch(() => null)) ?? {};
  if (!response?.ok) return complain(form, answer.message ?? word(response ? "failed" : "offline"));
  form.closest("dialog")?.close();
  await refresh();
  say({ text: answer.message ?? "", undo_url: answer.undo_url, url: answer.url });
});

// What may be there already

mount("[data-duplicates]", (place) => {
  const form = place.closest("form");
  let timer = 0;
  let request = 0;
  let asked = "";
  const look = async () => {
    if (!form) return;
    const data = new FormData(form);
    for (const name of [...data.keys()]) if (data.get(name) instanceof File) data.delete(name);
    data.set("but", place.dataset.but ?? "");
    const now = JSON.stringify([...data]);
    if (now === asked) return;
    asked = now;
    const mine = ++request;
    const response = await post(place.dataset.duplicates ?? "", data).catch(() => null);
    if (mine === request && response?.ok) place.innerHTML = await response.text();
  };
  const soon = () => {
    clearTimeout(timer);
    timer = window.setTimeout(look, 350);
  };
  form?.addEventListener("input", soon);
  form?.addEventListener("change", soon);
});

/** A deed of one click that answers with a sentence: claim, ask the owner. */
on("click", "[data-do]", async (_, button) => {
  const response = await post(button.dataset.do ?? "", {}).catch(() => null);
  const answer: { message?: string } = (await response?.json().catch(() => null)) ?? {};
  say({ text: answer.message ?? word(response ? "failed" : "offline"), tone: response?.ok ? "" : "red" });
  if (response?.ok) (button as HTMLButtonElement).disabled = true;
});

// A card or signature

let reading = 0;

on("input", "[data-paste]", (_, box) => {
  clearTimeout(reading);
  reading = window.setTimeout(() => void read(box as HTMLTextAreaElement), 700); // when one stops to type or paste
});
on("click", "[data-read-card]", (_, button) => {
  const box = $<HTMLTextAreaElement>("[data-paste]", button.closest("details") ?? document);
  if (box) void read(box, true);
});

/** Fills the fields that are still empty; `asked` says so where there is nothing to be found. */
async function read(box: HTMLTextAreaElement, asked = false): Promise<void> {
  clearTimeout(reading);
  if (!box.value.trim()) return;
  const response = await post(box.dataset.paste ?? "", { text: box.value }).catch(() => null);
  const answer: { fields?: Record<string, string | number>; labels?: Record<string, string>; message?: string } = (await response?.json().catch(() => null)) ?? {};
  const form = box.closest("form");
  if (!response?.ok || !form) return say({ text: word(response ? "failed" : "offline"), tone: "red" });
  if (answer.message && asked) say({ text: answer.message });
  for (const [name, value] of Object.entries(answer.fields ?? {})) {
    const field = $$<HTMLInputElement>("input, textarea, select", form).find((control) => control.name === name);
    if (!field || (field.value && !field.dataset.read)) continue;
    field.value = String(value);
    field.dataset.read = "true"; // by us, so a card that is corrected may fill it anew
    const shown = $<HTMLInputElement>("[data-pick]", field.closest(".field") ?? form);
    if (field.type === "hidden" && shown) shown.value = answer.labels?.[name] ?? "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** What somebody types over it is theirs. */
on("input", "[data-read]", (event, field) => event.isTrusted && delete field.dataset.read);
