/** A question in a small sheet, made by a script: what a move needs to know, or whether somebody is sure. */
import { $, el, word } from "./lib";

export interface Question {
  name: string;
  label: string;
  kind: string;
  help?: string;
  value?: string;
  options?: { value: string; label: string }[];
}

const INPUTS: Record<string, string> = { date: "date", number: "number", email: "email", phone: "tel", datetime: "datetime-local" };

/** Asks in a small sheet. Gives the answers by name, or null when the person steps back. */
export function ask(sheet: { title: string; text?: string; submit: string; red?: boolean; fields?: Question[] }): Promise<Record<string, string> | null> {
  const fields = (sheet.fields ?? []).map(field);
  const form = el(
    "form",
    { method: "dialog" },
    el("div", { class: "sheet-head" }, el("h2", { id: "ask-title" }, sheet.title)),
    el("div", { class: "sheet-body" }, ...(sheet.text ? [el("p", {}, sheet.text)] : []), ...fields),
    el(
      "div",
      { class: "sheet-foot" },
      el("button", { class: "btn", type: "button", "data-close": true }, word("cancel")),
      el("button", { class: `btn btn-primary${sheet.red ? " btn-red" : ""}`, value: "yes" }, sheet.submit),
    ),
  );
  const dialog = el("dialog", { class: "sheet", "aria-labelledby": "ask-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  $<HTMLElement>("input, select, textarea", form)?.focus();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      const given: Record<string, string> = {};
      for (const [name, value] of new FormData(form)) given[name] = given[name] === undefined ? String(value) : `${given[name]}\n${value}`;
      answer(dialog.returnValue === "yes" ? given : null);
      dialog.remove();
    });
  });
}

/** One labelled control for a question. */
function field({ name, label, kind, help, value = "", options }: Question): HTMLElement {
  const id = `ask-${name}`;
  if (kind === "checks") return checks(name, label, options ?? []);
  const common = { id, name, required: true };
  const control = options?.length
    ? el("select", { class: "form-select", ...common }, ...options.map((o) => el("option", { value: o.value, selected: o.value === value }, o.label)))
    : kind === "textarea"
      ? el("textarea", { class: "form-control", ...common }, value)
      : el("input", { class: "form-control", ...common, value, type: INPUTS[kind] ?? "text", ...(kind === "money" ? { inputmode: "decimal" } : {}) });
  const label_ = el("label", { class: "form-label", for: id }, label);
  return el("div", { class: "field" }, label_, control, ...(help ? [el("p", { class: "help" }, help)] : []));
}

/** Several things that must all be ticked: a checklist. */
function checks(name: string, label: string, options: { value: string; label: string }[]): HTMLElement {
  const ticks = options.map((o) => el("label", { class: "check-row" }, el("input", { type: "checkbox", name, value: o.value, required: true }), ` ${o.label}`));
  return el("fieldset", { class: "field" }, el("legend", { class: "form-label" }, label), ...ticks);
}
