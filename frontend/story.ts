/** The timeline of a record: its kinds as chips, comments written, mended and taken back, people named by @, files. */
import htmx from "htmx.org";
import { ask } from "./ask";
import { $, $$, el, mount, on, post, say, word } from "./lib";
import { complain } from "./sheets";

/** Shows the timeline again as it is now, of the kind that is chosen. */
function tell(): void {
  const chosen = $("[data-story][aria-pressed=true]")?.dataset.story;
  if (chosen) void htmx.ajax("GET", chosen, { target: "#story", swap: "innerHTML" });
}

on("click", "[data-story]", (_, chip) => {
  for (const other of $$("[data-story]")) other.setAttribute("aria-pressed", String(other === chip));
  tell();
});
document.addEventListener("htmx:after:swap", () => $("#story")?.removeAttribute("aria-busy"));

// Comments

async function send(form: HTMLFormElement, url: string, data: FormData): Promise<boolean> {
  form.setAttribute("aria-busy", "true");
  const response = await post(url, data).catch(() => null);
  form.removeAttribute("aria-busy");
  const answer: { message?: string } = (await response?.json().catch(() => null)) ?? {};
  if (!response?.ok) complain(form, answer.message || word(response ? "failed" : "offline"));
  return Boolean(response?.ok);
}

mount<HTMLFormElement>("form[data-comment]", (form) => {
  const text = $<HTMLTextAreaElement>("textarea", form)!;
  const files = $<HTMLInputElement>("input[type=file]", form)!;
  const key = `draft:${form.getAttribute("action")}`;
  text.value = localStorage.getItem(key) ?? "";
  const grow = () => {
    form.classList.toggle("open", Boolean(text.value || files.files?.length || form.matches(":focus-within")));
    localStorage[text.value ? "setItem" : "removeItem"](key, text.value);
  };
  const list = () => {
    const place = $("[data-chosen-files]", form)!;
    place.replaceChildren(...[...(files.files ?? [])].map((file) => el("li", {}, file.name)));
    place.hidden = !files.files?.length;
    grow();
  };
  text.addEventListener("input", grow);
  form.addEventListener("focusin", grow);
  files.addEventListener("change", list);
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    const dropped = event.dataTransfer?.files;
    if (!dropped?.length) return;
    event.preventDefault();
    files.files = dropped;
    list();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!(await send(form, form.action, new FormData(form)))) return;
    form.reset();
    const wrong = $(".error-text", form);
    if (wrong) wrong.hidden = true;
    list();
    tell();
  });
  naming(text, form.dataset.mention ?? "");
  grow();
});

on("click", "[data-comment-edit]", (_, button) => {
  const item = button.closest("li")!;
  const text = $(".story-text", item);
  const box = el("textarea", { class: "form-control", name: "text", "aria-label": button.textContent ?? "" }, text?.dataset.text ?? "");
  const form = el("form", { class: "composer open" }, box, el("p", { class: "error-text", role: "alert", hidden: true }), el("div", { class: "composer-foot" }, el("button", { class: "btn", type: "button", "data-story-back": true }, word("cancel")), el("button", { class: "btn btn-primary" }, word("save"))));
  if (text) text.replaceWith(form);
  else item.append(form);
  naming(box, $("form[data-comment]")?.dataset.mention ?? "");
  box.focus();
  $("[data-story-back]", form)?.addEventListener("click", tell);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await send(form, button.dataset.commentEdit ?? "", new FormData(form))) tell();
  });
});

on("click", "[data-comment-delete]", async (_, button) => {
  if (!(await ask({ title: button.dataset.askWords ?? "", submit: button.textContent ?? word("ok") }))) return;
  const response = await post(button.dataset.commentDelete ?? "", { do: "delete" }).catch(() => null);
  if (response?.ok) tell();
  else say({ text: word(response ? "failed" : "offline"), tone: "red" });
});

// @somebody

const BEGUN = /[@＠]([^\s@＠]{0,12})$/;

/** After an @ the people whose names fit stand below the text; arrows choose, Enter or Tab takes. */
function naming(text: HTMLTextAreaElement, url: string): void {
  const list = el("ul", { class: "pick-list", role: "listbox", id: `${text.id || "comment-edit"}-people`, "aria-label": "@", hidden: true });
  const box = el("div", { class: "pick" });
  text.before(box);
  box.append(text, list);
  text.setAttribute("aria-controls", list.id);
  text.setAttribute("aria-autocomplete", "list");
  let request: AbortController | undefined;
  let chosen = 0;

  const close = () => {
    list.hidden = true;
    text.removeAttribute("aria-activedescendant");
  };
  const mark = (index: number) => {
    chosen = (index + list.children.length) % list.children.length;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === chosen)));
    text.setAttribute("aria-activedescendant", list.children[chosen]?.id ?? "");
  };
  const take = (name: string) => {
    const end = text.selectionStart;
    const start = end - (BEGUN.exec(text.value.slice(0, end))?.[0].length ?? 0);
    text.setRangeText(`@${name} `, start, end, "end");
    close();
    text.dispatchEvent(new Event("input", { bubbles: true }));
    text.focus();
  };

  text.addEventListener("input", async () => {
    const begun = BEGUN.exec(text.value.slice(0, text.selectionStart));
    request?.abort();
    if (!begun || !url) return close();
    request = new AbortController();
    const asked = fetch(`${url}?q=${encodeURIComponent(begun[1] ?? "")}`, { signal: request.signal });
    const hits: { id: number; label: string }[] | null = await asked.then((response) => (response.ok ? response.json() : [])).catch(() => null);
    if (!hits) return; // a newer question has taken over
    if (!hits.length) return close();
    list.replaceChildren(...hits.slice(0, 6).map((hit) => el("li", { role: "option", id: `${list.id}-${hit.id}` }, hit.label)));
    list.hidden = false;
    mark(0);
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const item = (event.target as Element).closest("li");
    if (item) take(item.textContent ?? "");
  });
  text.addEventListener("blur", close);
  text.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown") mark(chosen + 1);
    else if (event.key === "ArrowUp") mark(chosen - 1);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" && !event.ctrlKey && !event.isComposing) || event.key === "Tab") take(list.children[chosen]?.textContent ?? "");
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
