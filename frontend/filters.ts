/** The filter builder: groups of conditions as the server tells of them; what comes out is the text of `where=`. */
import { $, $$, el, icon, mount } from "./lib";

interface Field {
  path: string;
  label: string;
  kind: string;
  ops: string[];
  options?: [string, string][];
  lookup?: string;
  people?: [string, string][];
}
interface Condition {
  path: string;
  op: string;
  values: string[];
}
interface Told {
  fields: Field[];
  periods: [string, string][];
  tree: { every: boolean; groups: { every: boolean; conditions: Condition[] }[] } | null;
  labels: Record<string, string>;
  operators: Record<string, Record<string, string>>;
}

const DAYS = ["last", "next", "ago", "idle"];
const EMPTY = ["empty", "filled"];
let number = 0;

mount<HTMLFormElement>("form[data-builder]", (form) => {
  const told: Told = JSON.parse(form.dataset.builder ?? "{}");
  const words: Record<string, string> = JSON.parse(form.dataset.words ?? "{}");
  const place = $(".builder", form);
  const say = (key: string) => words[key] ?? key;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(place ? text(place) : ($<HTMLTextAreaElement>("textarea[name=where]", form)?.value.trim() ?? ""));
  });
  $("[data-builder-clear]", form)?.addEventListener("click", () => go(""));

  function go(where: string): void {
    const url = new URL(form.dataset.address ?? "", location.href);
    if (where) url.searchParams.set("where", where);
    location.href = url.href;
  }

  if (!place || !told.tree) return;
  const joint = choice(say("joined"), [["and", say("and_then")], ["or", say("or_else")]], told.tree.every ? "and" : "or");
  joint.classList.add("joint");
  const groups = el("div", { class: "builder-groups" });
  const another = el("button", { class: "btn btn-quiet", type: "button" }, icon("plus"), say("group"));
  another.addEventListener("click", () => {
    groups.append(group({ every: true, conditions: [first()] }));
    tidy();
  });
  place.append(joint, groups, another);
  for (const given of told.tree.groups.length ? told.tree.groups : [{ every: true, conditions: [first()] }]) groups.append(group(given));
  tidy();
  $<HTMLElement>(".condition-row select", place)?.focus();

  function first(): Condition {
    const field = told.fields[0];
    return { path: field?.path ?? "", op: field?.ops[0] ?? "is", values: [] };
  }

  function group({ every, conditions }: { every: boolean; conditions: Condition[] }): HTMLElement {
    const match = choice(say("match"), [["and", say("all")], ["or", say("any")]], every ? "and" : "or");
    const rows = el("div", { class: "condition-rows" });
    const add = el("button", { class: "btn btn-quiet", type: "button" }, icon("plus"), say("condition"));
    const box = el("fieldset", { class: "condition-group" }, el("legend", {}, say("match")), match, rows, add);
    for (const one of conditions) rows.append(row(one));
    add.addEventListener("click", () => {
      const last = rows.querySelector<HTMLElement>(".condition-row:last-child");
      const made = row(last ? { ...first(), path: value(last, ".path"), op: "" } : first());
      rows.append(made);
      tidy();
      made.querySelector<HTMLElement>("select")?.focus();
    });
    return box;
  }

  function row(one: Condition): HTMLElement {
    const made = el("div", { class: "condition-row" });
    const path = choice(say("field"), told.fields.map((f) => [f.path, f.label]), one.path);
    path.classList.add("path");
    const rest = el("span", { class: "condition-rest" });
    const remove = el("button", { class: "btn btn-icon btn-quiet", type: "button", "aria-label": say("remove"), title: say("remove") }, icon("x"));
    remove.addEventListener("click", () => {
      const box = made.closest(".condition-group");
      made.remove();
      if (box && !$(".condition-row", box)) box.remove();
      tidy();
      $<HTMLElement>(".condition-row select, .builder > button", place ?? form)?.focus();
    });
    made.append(path, rest, remove);
    const field = () => told.fields.find((f) => f.path === path.value) ?? told.fields[0];
    const fill = (op: string, values: string[]) => {
      const f = field();
      if (!f) return;
      const names = told.operators[f.kind] ?? {};
      const ops: [string, string][] = f.ops.map((o) => [o, names[o] ?? o]);
      const how = choice(say("how"), ops, f.ops.includes(op) ? op : (f.ops[0] ?? "is"));
      how.classList.add("op");
      const values_ = el("span", { class: "values" });
      const draw = (given: string[]) => {
        values_.replaceChildren(...controls(f, how.value, given));
        document.dispatchEvent(new CustomEvent("htmx:after:swap")); // lets the combobox mount
      };
      how.addEventListener("change", () => draw(read(values_)));
      rest.replaceChildren(how, values_);
      draw(values);
    };
    path.addEventListener("change", () => fill("", []));
    fill(one.op, one.values);
    return made;
  }

  /** The controls for the value of a condition. */
  function controls(field: Field, op: string, given: string[]): HTMLElement[] {
    if (EMPTY.includes(op)) return [];
    const one = given[0] ?? "";
    const many = op === "in" || op === "out";
    if (field.kind === "bool") return [choice(say("value"), [["1", say("yes")], ["0", say("no")]], one || "1")];
    if (field.options) {
      if (!many) return [choice(say("value"), field.options, one)];
      return [
        el("span", { class: "ticks", role: "group", "aria-label": field.label },
          ...field.options.map(([v, label]) => el("label", {}, el("input", { type: "checkbox", value: v, checked: given.includes(v) }), ` ${label}`))),
      ];
    }
    if (field.kind === "relation") return relation(field, one);
    if (field.kind === "date" || field.kind === "datetime") {
      if (many) return [choice(say("period"), told.periods.some(([v]) => v === one) || !one ? told.periods : [[one, one], ...told.periods], one || "this_month")];
      if (DAYS.includes(op)) return [input("number", /^\d+$/.test(one) ? one : "14", { min: "1", max: "20000" }), el("span", {}, say("days"))];
      const from = input("date", /^\d{4}-/.test(one) ? one : "");
      return op === "between" ? [from, el("span", {}, say("to")), input("date", given[1] ?? "")] : [from];
    }
    const numeric = field.kind !== "text";
    if (op === "between") return [input("text", one, { inputmode: "decimal" }), el("span", {}, say("to")), input("text", given[1] ?? "", { inputmode: "decimal" })];
    if (many) return [input("text", given.join(", "), { placeholder: say("several"), "data-several": "" })];
    return [input("text", one, numeric ? { inputmode: "decimal" } : {})];
  }

  function relation(field: Field, one: string): HTMLElement[] {
    const named = field.people?.some(([v]) => v === one) ?? false;
    const hidden = el("input", { type: "hidden", value: named ? "" : one });
    const box = el("input", { class: "form-control", id: `builder-${++number}`, "data-pick": field.lookup ?? "", "data-label": named ? "" : (told.labels[`${field.path}=${one}`] ?? ""), "aria-label": field.label });
    if (!field.people) return [hidden, box];
    const who = choice(say("value"), [["", "…"], ...field.people], named ? one : "");
    const pick = el("span", { class: "pick-one" }, hidden, box);
    const show = () => (pick.hidden = who.value !== "");
    who.addEventListener("change", show);
    if (!one) who.value = "me";
    show();
    return [who, pick];
  }

  function input(type: string, given: string, more: Record<string, string> = {}): HTMLInputElement {
    return el("input", { class: "form-control", type, value: given, "aria-label": say("value"), ...more });
  }

  /** What only makes sense for several stands only where there are several. */
  function tidy(): void {
    const boxes = $$(".condition-group", groups);
    joint.hidden = boxes.length < 2;
    for (const box of boxes) {
      const match = box.querySelector<HTMLElement>(":scope > select");
      if (match) match.hidden = $$(".condition-row", box).length < 2;
    }
  }

  function text(root: HTMLElement): string {
    const parts = $$(".condition-group", root).map((box) => {
      const mark = box.querySelector<HTMLSelectElement>(":scope > select")?.value === "or" ? "|" : ";";
      const found = $$(".condition-row", box).map(condition).filter(Boolean);
      return found.length > 1 ? `(${found.join(mark)})` : (found[0] ?? "");
    }).filter(Boolean);
    if (parts.length === 1) return (parts[0] ?? "").replace(/^\((.*)\)$/, "$1");
    return parts.join(joint.value === "or" ? "|" : ";");
  }

  function condition(made: HTMLElement): string {
    const [path, op] = [value(made, ".path"), value(made, ".op")];
    if (EMPTY.includes(op)) return `${path}:${op}`;
    const values = read($(".values", made) ?? made);
    const needed = op === "between" ? 2 : 1;
    return values.length >= needed ? `${path}:${op}:${values.map(quoted).join(",")}` : "";
  }
});

const value = (root: Element, selector: string) => root.querySelector<HTMLSelectElement>(selector)?.value ?? "";

/** The values that the controls hold, without empty ones. */
function read(place: HTMLElement): string[] {
  const found: string[] = [];
  for (const control of $$<HTMLInputElement>("input, select", place)) {
    if (control.type === "checkbox") {
      if (control.checked) found.push(control.value);
    } else if (control.dataset.several !== undefined) found.push(...control.value.split(/[,,]/));
    else if (!control.matches("[data-pick]") && !control.closest("[hidden]")) found.push(control.value);
  }
  return found.map((v) => v.trim()).filter(Boolean);
}

const quoted = (v: string) => (/[,;|()"]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v);

function choice(label: string, options: [string, string][], chosen: string): HTMLSelectElement {
  return el("select", { class: "form-select", "aria-label": label }, ...options.map(([v, text]) => el("option", { value: v, selected: v === chosen }, text)));
}
