/** The few words that every behaviour shares. */

export const $ = <E extends Element = HTMLElement>(selector: string, root: ParentNode = document): E | null =>
  root.querySelector<E>(selector);

export const $$ = <E extends Element = HTMLElement>(selector: string, root: ParentNode = document): E[] => [
  ...root.querySelectorAll<E>(selector),
];

/** Runs `setup` once for every element that matches, now and after each htmx swap. */
export function mount<E extends Element = HTMLElement>(selector: string, setup: (element: E) => void): void {
  const seen = new WeakSet<Element>();
  const run = () => {
    for (const element of $$<E>(selector)) {
      if (seen.has(element)) continue;
      seen.add(element);
      setup(element);
    }
  };
  run();
  document.addEventListener("htmx:after:swap", run);
}

/** Listens on the document for `type` inside elements that match `selector`. */
export function on<K extends keyof DocumentEventMap>(
  type: K,
  selector: string,
  handle: (event: DocumentEventMap[K], element: HTMLElement) => void,
): void {
  document.addEventListener(type, (event) => {
    const element = (event.target as Element | null)?.closest?.<HTMLElement>(selector);
    if (element) handle(event, element);
  });
}

const words: Record<string, string> = JSON.parse(document.body.dataset.words ?? "{}");

/** The translated sentence for `key`, its {name} filled from `values`. base.html holds the sentences. */
export function word(key: string, values: Record<string, string | number> = {}): string {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** Posts form data with the CSRF token and asks for JSON. */
export function post(url: string, data: Record<string, string> | FormData): Promise<Response> {
  const body = data instanceof FormData ? data : new URLSearchParams(data);
  return fetch(url, {
    method: "POST",
    body,
    credentials: "same-origin",
    headers: { "X-CSRFToken": document.body.dataset.csrf ?? "", Accept: "application/json" },
  });
}

/** Makes an element: el("li", {class: "x"}, "text", child). A false attribute is left out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** An icon of the sprite. */
export function icon(name: string): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.body.dataset.sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Remembers a choice for a year where the server can read it. */
export function remember(name: string, value: string): void {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
}

/** Whether the person is typing, so that single keys are letters and not commands. */
export function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return Boolean(element?.isContentEditable || element?.matches?.("input:not([type=checkbox], [type=radio]), textarea, select"));
}

export interface Toast {
  text: string;
  tone?: string;
  undo_url?: string;
  url?: string;
}

/** Shows a short message (toast.ts listens). */
export function say(toast: Toast): void {
  document.dispatchEvent(new CustomEvent("toast", { detail: toast }));
}
