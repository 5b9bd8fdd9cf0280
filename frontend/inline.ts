/** Edit one fact where it stands: the pencil fetches the record's own form, shows its one field, Enter saves, Esc takes back. */
import { $, el, icon, on, say, word } from "./lib";
import { renew } from "./renew";

on("click", "[data-edit-field]", async (_, button) => {
  const place = button.closest<HTMLElement>("dd, h1");
  const url = button.dataset.editUrl;
  const name = button.dataset.editField ?? "";
  if (!place || !url) return;
  place.setAttribute("aria-busy", "true");
  const page = await fetch(url, { headers: { Accept: "text/html" } }).then((response) => (response.ok ? response.text() : ""), () => "");
  place.removeAttribute("aria-busy");
  const form = new DOMParser().parseFromString(page, "text/html").querySelector<HTMLFormElement>("form[data-draft]");
  const field = form?.querySelector<HTMLElement>(`[data-field="${CSS.escape(name)}"]`);
  if (!form || !field) {
    location.href = url;
    return;
  }
  show(place, form, field, url);
});

/** Puts the form in place of the value with everything hidden but the one field. */
function show(place: HTMLElement, form: HTMLFormElement, field: HTMLElement, url: string): void {
  const before = [...place.childNodes];
  const rest = el("div", { hidden: true }, ...form.childNodes);
  const label = field.querySelector("label")?.textContent?.trim() ?? "";
  const control = field.querySelector<HTMLInputElement>("input:not([type=hidden]), select, textarea");
  control?.setAttribute("aria-label", label.replace(/\*$/, "").trim());
  field.querySelector("label")?.remove();
  const save = el("button", { class: "btn btn-primary btn-icon", "aria-label": word("save"), title: word("save") }, icon("check"));
  const cancel = el("button", { class: "btn btn-icon", type: "button", "aria-label": word("cancel"), title: word("cancel") }, icon("x"));
  const inline = el("form", { class: "inline-form", method: "post", action: form.getAttribute("action") || url }, field, save, cancel, rest);
  inline.removeAttribute("data-draft");
  place.replaceChildren(inline);
  document.dispatchEvent(new CustomEvent("htmx:after:swap")); // lets the combobox mount
  control?.focus();
  control?.select?.();

  const back = () => {
    place.replaceChildren(...before);
    $("[data-edit-field]", place)?.focus();
  };
  cancel.addEventListener("click", back);
  inline.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    back();
  });
  inline.addEventListener("submit", async (event) => {
    event.preventDefault();
    inline.setAttribute("aria-busy", "true");
    const response = await fetch(inline.action, { method: "POST", body: new FormData(inline), headers: { Accept: "text/html" } }).catch(() => null);
    inline.removeAttribute("aria-busy");
    if (!response) return say({ text: word("offline"), tone: "red" });
    const answer = new DOMParser().parseFromString(await response.text(), "text/html");
    if ((response.ok && response.redirected) || response.status === 409) return renew(answer); // 409: both sides are shown
    if ($("[name=ask_approval]", answer)) return renew(answer); // the whole form asks for the approval
    const reason = answer.querySelector("form[data-draft] .errorlist li, form[data-draft] .note")?.textContent?.trim();
    say({ text: reason || word("failed"), tone: "red" });
    control?.focus();
  });
}
