/** What one has looked at lately and what one has pinned, at the top of the palette while nothing is typed.
 *
 *  Kept in this browser for the person who is signed in, and forgotten when somebody signs out. */
import { $, el, icon, word } from "./lib";

interface Seen {
  url: string;
  title: string;
  kind: string;
  pinned?: boolean;
}

const MOST = 8;
const PINS = 12;
const key = `seen-${document.body.dataset.person ?? ""}`;

function read(): Seen[] {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]");
  } catch {
    return [];
  }
}

function write(all: Seen[]): void {
  const pinned = all.filter((one) => one.pinned).slice(0, PINS);
  localStorage.setItem(key, JSON.stringify([...pinned, ...all.filter((one) => !one.pinned).slice(0, MOST)]));
}

function look(): void {
  if (document.body.dataset.person === undefined) {
    for (const name of Object.keys(localStorage)) if (name.startsWith("seen-")) localStorage.removeItem(name);
    return;
  }
  const head = $("main h1");
  const title = head?.dataset.seen || head?.textContent?.trim();
  if (!/^\/[\w-]+\/\d+$/.test(location.pathname) || !title) return;
  const kind = $("main .crumb")?.textContent?.trim() ?? "";
  const all = read();
  const known = all.find((one) => one.url === location.pathname);
  write([{ url: location.pathname, title, kind, pinned: known?.pinned }, ...all.filter((one) => one !== known)]);
}

function group(name: string, all: Seen[]): HTMLElement {
  const rows = all.map((one) => {
    const link = el("a", { href: one.url, "data-walk": true }, icon(one.pinned ? "pin" : "clock"), el("span", {}, one.title));
    if (one.kind) link.append(el("span", { class: "hint" }, one.kind));
    const label = `${word(one.pinned ? "unpin" : "pin")}: ${one.title}`;
    const pin = el("button", { class: "btn btn-icon btn-quiet pin", type: "button", "aria-pressed": String(Boolean(one.pinned)), "aria-label": label }, icon(one.pinned ? "pinned-off" : "pin"));
    pin.addEventListener("click", () => {
      write(read().map((other) => (other.url === one.url ? { ...other, pinned: !one.pinned } : other)));
      draw();
    });
    return el("div", { class: "seen" }, link, pin);
  });
  return el("section", { "data-seen": true }, el("h2", {}, name), ...rows);
}

/** Puts the groups before the answer to nothing typed. */
function draw(): void {
  const hits = $("#palette-hits");
  for (const old of hits?.querySelectorAll("[data-seen]") ?? []) old.remove();
  if (!hits || $("#palette-hits [data-asked]")?.dataset.asked !== "") return;
  const all = read();
  const pinned = all.filter((one) => one.pinned);
  const recent = all.filter((one) => !one.pinned && one.url !== location.pathname);
  if (recent.length) hits.prepend(group(word("seen"), recent));
  if (pinned.length) hits.prepend(group(word("pinned"), pinned));
}

look();
document.addEventListener("htmx:after:swap", draw);
