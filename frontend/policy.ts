/** The workshop of a policy draft: the text is kept while it is typed, checked, read out as a sentence; numbers are
 *  changed by form, cases run by themselves. Only the editor page loads this. */
import { makeEditor, type Editor, type Mark } from "./policy-editor";
import { $, $$, el, icon, mount } from "./lib";

interface Issue {
  level: "error" | "warning" | "info";
  line: number;
  message: string;
  hint: string;
}
interface Clause {
  line: number;
  title: string;
  text: string;
}
interface State {
  version: number;
  issues: Issue[];
  clauses: Clause[];
  contents: { label: string; line: number }[];
  ok: boolean;
}
type Answer = State & { text?: string; line?: number; error?: string; theirs?: { version: number; text: string; cases: string } };

const PAUSE = 700;
const CASES_PAUSE = 900;
const TONES = { error: "red", warning: "amber", info: "blue" };
const ICONS = { error: "circle-x", warning: "alert-triangle", info: "info-circle" }; // icon names
const narrow = matchMedia("(max-width: 980px)");

mount<HTMLElement>("[data-workshop]", (root) => {
  const words: Record<string, string> = JSON.parse(root.dataset.words ?? "{}");
  const readonly = "readonly" in root.dataset;
  const kept = `policy-draft:${root.dataset.id}`;
  const saved = $("[data-saved]");
  const clash = $("[data-clash]", root)!;
  const formBody = $("[data-form-body]", root)!;
  const results = $("[data-case-results]", root)!;
  const plain = $<HTMLTextAreaElement>("#plain", root)!;
  const plainCases = $<HTMLTextAreaElement>("[data-cases-plain]", root)!;
  let state: State = JSON.parse(root.dataset.workshop ?? "{}");
  let line = 1;
  let timer = 0;
  let casesTimer = 0;
  let busy: Promise<void> | null = null;
  let dirty = false;
  let ran = "";

  const text = open("text", plain, words.editor ?? "", (at) => {
    line = at;
    read();
  });
  const cases = open("cases", plainCases, words.case_editor ?? "", () => {});
  $(".code-help", root)!.hidden = false;
  $(".plain-text", root)!.hidden = true;

  function open(name: string, from: HTMLTextAreaElement, label: string, moved: (line: number) => void): Editor {
    const place = $(`[data-code=${name}]`, root)!;
    place.hidden = false;
    from.hidden = true;
    return makeEditor(place, { text: from.value, label, readonly, changed: typed, moved });
  }

  // Keeping what is typed

  function typed(): void {
    dirty = true;
    tell("unsaved");
    localStorage.setItem(kept, JSON.stringify({ version: state.version, text: text.text(), cases: cases.text() }));
    clearTimeout(timer);
    timer = window.setTimeout(keep, PAUSE);
  }

  function tell(word: string): void {
    if (saved) saved.textContent = words[word] ?? "";
  }

  async function keep(force = false): Promise<void> {
    clearTimeout(timer);
    if (busy) {
      await busy;
      if (!dirty) return;
    }
    dirty = false;
    tell("saving");
    busy = send(root.dataset.keep ?? "", { text: text.text(), cases: cases.text(), ...(force ? {} : { version: String(state.version) }) });
    await busy;
    busy = null;
  }

  async function send(url: string, data: Record<string, string>): Promise<void> {
    let answer: Response;
    try {
      answer = await fetch(url, {
        method: "POST",
        body: new URLSearchParams(data),
        headers: { "X-CSRFToken": document.body.dataset.csrf ?? "", Accept: "application/json" },
      });
    } catch {
      dirty = true;
      tell("offline");
      timer = window.setTimeout(keep, 5_000);
      return;
    }
    const found: Answer = await answer.json();
    if (answer.status === 409 && found.theirs) return collided(found.theirs);
    if (!answer.ok) {
      refuse(found.error ?? "");
      return;
    }
    clash.hidden = true;
    refuse("");
    if (found.text !== undefined) text.replace(found.text);
    if (!dirty) {
      localStorage.removeItem(kept);
      tell("saved");
    }
    show(found);
    if (found.line) text.go(found.line, false);
    scheduleCases();
  }

  function refuse(message: string): void {
    const place = $("[data-form-error]", root)!;
    place.textContent = message;
    place.hidden = !message;
    if (message && saved) saved.textContent = message;
  }

  function collided(theirs: { version: number; text: string; cases: string }): void {
    const mine = el("button", { class: "btn", type: "button" }, words.mine ?? "");
    const other = el("button", { class: "btn", type: "button" }, words.theirs ?? "");
    clash.replaceChildren(icon("alert-triangle"), el("p", { class: "grow" }, words.conflict ?? ""), other, mine);
    clash.hidden = false;
    tell("unsaved");
    mine.addEventListener("click", () => void keep(true));
    other.addEventListener("click", () => {
      state.version = theirs.version;
      text.replace(theirs.text);
      cases.replace(theirs.cases);
      clash.hidden = true;
      void keep();
    });
  }

  // What the server found

  function show(found: State): void {
    state = found;
    const issues = $("[data-issues]", root)!;
    issues.replaceChildren(...(found.issues.length ? found.issues.map(issueItem) : [fine()]));
    $("[data-count=check]", root)!.textContent = found.issues.length ? String(found.issues.length) : "";
    marks();
    $("[data-contents]", root)!.replaceChildren(
      ...found.contents.map((item) => el("li", {}, el("a", { href: "#text", "data-line": String(item.line) }, item.label))),
    );
    read();
    if (!root.querySelector<HTMLElement>("#pane-form")!.contains(document.activeElement)) void refreshForm();
  }

  function marks(): void {
    const found: Mark[] = state.issues.map((issue) => ({ line: issue.line, level: issue.level, message: `${issue.message}. ${issue.hint}` }));
    text.mark(found.filter((mark) => mark.line > 0));
  }

  function issueItem(issue: Issue): HTMLElement {
    const level = el("span", { class: "visually-hidden" }, `${words[issue.level] ?? ""}: `);
    const body = el("div", {}, level, el("b", {}, issue.message));
    if (issue.hint) body.append(el("p", { class: "muted" }, issue.hint));
    if (issue.line) {
      const at = (words.line ?? "").replace("{n}", String(issue.line));
      body.append(el("a", { class: "small", href: "#text", "data-line": String(issue.line) }, at));
    }
    return el("li", { class: `tone-${TONES[issue.level]}` }, small(ICONS[issue.level]), body);
  }

  function fine(): HTMLElement {
    return el("li", { class: "tone-green" }, small("circle-check"), el("div", {}, words.in_order ?? ""));
  }

  function small(name: string): SVGElement {
    const svg = icon(name);
    svg.classList.add("icon-s");
    return svg;
  }

  /** The sentence that the line under the cursor is part of. */
  function read(): void {
    const clause = state.clauses.filter((one) => one.line <= line && one.text).at(-1);
    const title = $("[data-reading-title]", root)!;
    title.textContent = clause?.title ?? "";
    title.hidden = !clause;
    const place = $("[data-reading]", root)!;
    place.textContent = clause?.text ?? words.no_reading ?? "";
    place.classList.toggle("muted", !clause);
  }

  // The form

  async function refreshForm(): Promise<void> {
    if (root.dataset.pane !== "form") return;
    const answer = await fetch(root.dataset.form ?? "", { headers: { "HX-Request": "true" } });
    if (answer.ok) formBody.innerHTML = await answer.text();
  }

  async function change(data: Record<string, string>, anew: boolean): Promise<void> {
    if (dirty || busy) await keep();
    busy = send(root.dataset.set ?? "", { ...data, version: String(state.version) });
    await busy;
    busy = null;
    if (anew) await refreshForm();
  }

  formBody.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    if (input.dataset.path) void change({ path: input.dataset.path, value: input.value }, false);
  });
  formBody.addEventListener("focusin", (event) => {
    const input = event.target as HTMLInputElement;
    if (input.dataset.line) text.go(Number(input.dataset.line), false);
  });
  formBody.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-row-add], [data-row-remove]");
    if (!button || readonly) return;
    const { rowAdd, rowRemove } = button.dataset;
    void change(rowAdd ? { path: rowAdd, deed: "add" } : { path: rowRemove ?? "", deed: "remove" }, true);
  });

  // Cases

  function scheduleCases(): void {
    clearTimeout(casesTimer);
    if (cases.text().trim()) casesTimer = window.setTimeout(runCases, CASES_PAUSE);
  }

  async function runCases(): Promise<void> {
    if (dirty || busy) await keep();
    const mark = `${state.version}`;
    if (ran === mark) return;
    const answer = await fetch(root.dataset.cases ?? "", { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    ran = mark;
    results.innerHTML = await answer.text();
    const failed = Number(answer.headers.get("X-Failed") ?? 0);
    const count = $("[data-count=cases]", root)!;
    count.textContent = failed ? `${failed} ✗` : Number(answer.headers.get("X-Cases")) ? "✓" : "";
    count.className = `count tone-${failed ? "red" : "green"}`;
  }

  $("[data-run]", root)!.addEventListener("click", () => {
    ran = "";
    void runCases();
  });
  results.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLElement>("[data-case-line]");
    if (link) cases.go(Number(link.dataset.caseLine), true);
  });

  // Panes

  const tabs = $$<HTMLButtonElement>("[role=tab]", root);

  function pane(name: string): void {
    root.dataset.pane = name;
    for (const tab of tabs) {
      const on = tab.dataset.pane === name;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
    if (name === "form") void refreshForm();
    if (name === "cases" && !ran) void runCases();
  }

  for (const tab of tabs) tab.addEventListener("click", () => pane(tab.dataset.pane ?? "check"));
  $("[role=tablist]", root)!.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[(event as KeyboardEvent).key];
    if (!step) return;
    const seen = tabs.filter((tab) => tab.offsetParent);
    const next = seen[(seen.indexOf(document.activeElement as HTMLButtonElement) + step + seen.length) % seen.length];
    next?.focus();
    next?.click();
  });
  root.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLElement>("[data-line]");
    if (!link || link instanceof HTMLInputElement) return;
    event.preventDefault();
    if (narrow.matches) pane("text");
    text.go(Number(link.dataset.line), true);
  });
  narrow.addEventListener("change", () => pane(narrow.matches ? "text" : "check"));
  window.addEventListener("beforeunload", () => {
    if (dirty) navigator.sendBeacon(root.dataset.keep ?? "", beacon());
  });

  function beacon(): FormData {
    const data = new FormData();
    for (const [name, value] of Object.entries({ text: text.text(), cases: cases.text(), version: String(state.version) })) data.set(name, value);
    data.set("csrfmiddlewaretoken", document.body.dataset.csrf ?? "");
    return data;
  }

  pane(narrow.matches ? "text" : "check");
  marks();
  read();
  scheduleCases();
  const before = readonly ? null : localStorage.getItem(kept);
  if (before) {
    const found = JSON.parse(before) as { version: number; text: string; cases: string };
    if (found.text !== text.text() || found.cases !== cases.text()) {
      text.replace(found.text);
      cases.replace(found.cases);
      state.version = found.version;
      void keep().then(() => clash.hidden && tell("restored"));
    } else localStorage.removeItem(kept);
  }
});

document.addEventListener("click", (event) => {
  if ((event.target as Element).closest("[data-print]")) window.print();
});
