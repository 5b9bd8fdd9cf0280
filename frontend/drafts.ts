/** What is typed into a form with data-draft="key" stays in this browser until it is saved: nothing typed is lost. */
import { $$, el, mount, word } from "./lib";

const KEPT = "input:not([type=hidden], [type=password], [type=file], [data-pick]), textarea, select";

mount<HTMLFormElement>("form[data-draft]", (form) => {
  const key = `draft:${form.dataset.draft}`;
  const controls = () => $$<HTMLInputElement>(KEPT, form).filter((control) => control.name);
  const read = () => Object.fromEntries(controls().map((c) => [c.name, c.type === "checkbox" ? String(c.checked) : c.value]));
  const given = read();

  const kept: Record<string, string> | null = JSON.parse(localStorage.getItem(key) ?? "null");
  if (kept && !form.querySelector(".errorlist, .error-text")) {
    const changed = controls().filter((c) => kept[c.name] !== undefined && kept[c.name] !== given[c.name]);
    for (const control of changed) write(control, kept[control.name] ?? "");
    if (changed.length) form.prepend(offer());
  }

  form.addEventListener("input", () => localStorage.setItem(key, JSON.stringify(read())));
  form.addEventListener("submit", () => localStorage.removeItem(key));
  form.querySelector("[data-key=cancel]")?.addEventListener("click", () => localStorage.removeItem(key));

  function offer(): HTMLElement {
    const drop = el("button", { class: "btn btn-quiet", type: "button" }, word("drop_draft"));
    const note = el("div", { class: "note", role: "status" }, el("p", { class: "grow" }, word("draft")), drop);
    drop.addEventListener("click", () => {
      for (const control of controls()) write(control, given[control.name] ?? "");
      localStorage.removeItem(key);
      note.remove();
    });
    return note;
  }
});

function write(control: HTMLInputElement, value: string): void {
  if (control.type === "checkbox") control.checked = value === "true";
  else if (control.type !== "radio") control.value = value;
}
