/** A relation field as an ARIA combobox: type, choose from what the server finds, the id goes along hidden.
 *
 *  <input data-pick="/customers/pick" data-label="current name"> beside <input type="hidden" name="customer">. Where the
 *  server wrote only the visible input, the hidden one is made from its name and value. */
import { el, mount, word } from "./lib";

interface Hit {
  id: number | string;
  label: string;
  hint?: string;
}

mount<HTMLInputElement>("input[data-pick]", (input) => {
  const hidden = partner(input);
  const list = el("ul", { class: "pick-list", role: "listbox", id: `${input.id || hidden.name}-list`, hidden: true });
  list.setAttribute("aria-label", input.labels?.[0]?.textContent?.trim() ?? input.getAttribute("aria-label") ?? hidden.name);
  const box = el("div", { class: "pick" });
  input.before(box);
  box.append(input, list);
  let hits: Hit[] = [];
  let at = -1;
  let chosen = input.value;
  let timer = 0;
  let request: AbortController | undefined;

  for (const [name, value] of Object.entries({ role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) {
    input.setAttribute(name, value);
  }

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (index: number) => {
    at = index;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    const item = list.children[at];
    if (!item) return;
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  };
  const choose = (hit: Hit | undefined) => {
    const before = hidden.value;
    hidden.value = hit ? String(hit.id) : "";
    input.value = chosen = hit?.label ?? "";
    close();
    if (hidden.value !== before) hidden.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const ask = async () => {
    request?.abort();
    request = new AbortController();
    const url = new URL(input.dataset.pick ?? "", location.href);
    url.searchParams.set("q", input.value === chosen ? "" : input.value);
    try {
      const response = await fetch(url, { signal: request.signal, headers: { Accept: "application/json" } });
      hits = response.ok ? ((await response.json()) as Hit[]) : [];
    } catch {
      return; // a newer question has taken over, or the network is away: what is typed stays
    }
    list.replaceChildren(
      ...hits.map((hit, i) => {
        const item = el("li", { role: "option", id: `${list.id}-${i}` }, hit.label, ...(hit.hint ? [el("span", { class: "hint" }, hit.hint)] : []));
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          choose(hit);
        });
        return item;
      }),
    );
    if (!hits.length) list.append(el("li", { class: "none", role: "option", "aria-disabled": "true" }, word("nothing")));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(hits.length ? 0 : -1);
  };

  input.addEventListener("input", (event) => {
    event.stopPropagation(); // half a name is no filter yet
    hidden.value = "";
    clearTimeout(timer);
    timer = window.setTimeout(ask, 120);
  });
  input.addEventListener("click", () => list.hidden && ask());
  input.addEventListener("change", (event) => event.stopPropagation());
  input.addEventListener("blur", () => {
    close();
    if (!input.value && chosen) choose(undefined);
    else if (!hidden.value && chosen === input.value && chosen) choose(hits.find((hit) => hit.label === chosen));
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) void ask();
      else if (hits.length) mark((at + (event.key === "ArrowDown" ? 1 : -1) + hits.length) % hits.length);
    } else if (event.key === "Enter" && !list.hidden && hits[at]) {
      event.preventDefault();
      choose(hits[at]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
});

/** The hidden input that carries the id. */
function partner(input: HTMLInputElement): HTMLInputElement {
  const near = [input.nextElementSibling, input.previousElementSibling].find(
    (other): other is HTMLInputElement => other instanceof HTMLInputElement && other.type === "hidden" && other.name !== "csrfmiddlewaretoken",
  );
  if (near) {
    if (!input.value) input.value = input.dataset.label ?? "";
    return near;
  }
  const hidden = el("input", { type: "hidden", name: input.name, value: input.value });
  input.removeAttribute("name");
  input.value = input.dataset.label ?? "";
  input.after(hidden);
  return hidden;
}
