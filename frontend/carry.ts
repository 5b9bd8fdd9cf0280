/** Carries cards from lane to lane. The mouse takes hold at once, a finger after a long press: a scroll stays a scroll.
 *
 *  The card stays where it is until it is let go; a copy follows the pointer and an empty place shows where it will be.
 *  Near an edge the board, or the lane under the pointer, scrolls along. Escape puts the card back. */
import { $, $$, el } from "./lib";

const HOLD = 280; // milliseconds until a finger has taken hold
const SLOP = 6; // pixels that count as no movement
const EDGE = 48;
const FASTEST = 9; // pixels a frame

/** What to do with a card that was let go over another lane; `index` is where it was in the lane it came from. */
type Drop = (card: HTMLElement, from: HTMLElement, to: HTMLElement, index: number) => void;

interface Point {
  x: number;
  y: number;
}

const pointOf = (event: PointerEvent): Point => ({ x: event.clientX, y: event.clientY });

export function carries(board: HTMLElement, drop: Drop): void {
  let pressed: { card: HTMLElement; at: Point; timer: number } | null = null;
  let flight: Flight | null = null;

  const lift = () => {
    if (!pressed) return;
    flight = new Flight(board, pressed.card, pressed.at);
    release();
  };
  const release = () => {
    clearTimeout(pressed?.timer);
    pressed = null;
  };
  const end = (kept: boolean) => {
    release();
    const done = flight;
    flight = null;
    const to = done?.land(kept);
    if (done && to && to !== done.from) drop(done.card, done.from, to, done.index);
  };

  board.addEventListener("pointerdown", (event) => {
    const target = event.target as Element;
    const card = target.closest<HTMLElement>(".deal");
    if (!card || !event.isPrimary || event.button !== 0 || target.closest("button") || card.hasAttribute("aria-busy")) return;
    const timer = event.pointerType === "mouse" ? 0 : window.setTimeout(lift, HOLD);
    pressed = { card, at: pointOf(event), timer };
  });
  document.addEventListener("pointermove", (event) => {
    if (!event.isPrimary) return;
    const at = pointOf(event);
    if (pressed && Math.hypot(at.x - pressed.at.x, at.y - pressed.at.y) > SLOP) {
      if (event.pointerType === "mouse") lift();
      else release();
    }
    flight?.follow(at);
  });
  document.addEventListener("pointerup", (event) => event.isPrimary && end(true));
  document.addEventListener("pointercancel", (event) => event.isPrimary && end(false));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !flight) return;
    event.stopPropagation();
    end(false);
  }, true);
  board.addEventListener("touchmove", (event) => flight && event.preventDefault(), { passive: false }); // else the page would scroll
  board.addEventListener("contextmenu", (event) => (flight || pressed?.timer) && event.preventDefault()); // what a long press means else
}

/** One card in the air. */
class Flight {
  readonly from: HTMLElement;
  readonly index: number;
  private readonly grip: Point;
  private readonly copy: HTMLElement;
  private readonly place: HTMLElement;
  private frame = 0;

  constructor(private readonly board: HTMLElement, readonly card: HTMLElement, private at: Point) {
    const box = card.getBoundingClientRect();
    this.from = card.closest<HTMLElement>(".lane-cards") as HTMLElement;
    this.index = $$(".deal", this.from).indexOf(card);
    this.grip = { x: at.x - box.left, y: at.y - box.top };
    this.copy = card.cloneNode(true) as HTMLElement;
    this.copy.classList.add("deal-carried");
    this.copy.inert = true;
    this.copy.style.width = `${box.width}px`;
    this.place = el("li", { class: "deal-place", "aria-hidden": "true" });
    this.place.style.height = `${box.height}px`;
    document.body.append(this.copy);
    card.classList.add("deal-away");
    board.classList.add("is-carrying");
    getSelection()?.removeAllRanges();
    this.follow(at);
    this.frame = requestAnimationFrame(this.scroll);
  }

  follow(at: Point): void {
    this.at = at;
    this.copy.style.transform = `translate(${at.x - this.grip.x}px, ${at.y - this.grip.y}px) rotate(1.5deg)`;
    const lane = this.lane();
    if (!lane || lane === this.from) this.place.remove();
    else lane.insertBefore(this.place, $$(".deal", lane).find((card) => middle(card) > at.y) ?? $(".lane-next", lane));
  }

  /** Ends it; the lane in which the card is now, or null if it went back. */
  land(kept: boolean): HTMLElement | null {
    cancelAnimationFrame(this.frame);
    const to = kept && this.place.isConnected ? this.place.parentElement : null;
    to?.insertBefore(this.card, this.place);
    this.place.remove();
    this.copy.remove();
    this.card.classList.remove("deal-away");
    this.board.classList.remove("is-carrying");
    const stop = (event: Event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    addEventListener("click", stop, { capture: true }); // letting go is no click on the link of the card
    setTimeout(() => removeEventListener("click", stop, { capture: true }), 0);
    return to;
  }

  private lane(): HTMLElement | null {
    const lane = document.elementFromPoint(this.at.x, this.at.y)?.closest<HTMLElement>(".lane");
    return lane ? $(".lane-cards", lane) : null;
  }

  private readonly scroll = (): void => {
    const before = this.board.scrollLeft;
    const cards = this.lane();
    this.board.scrollLeft += pull(this.at.x, this.board.getBoundingClientRect(), "left", "right");
    const top = cards?.scrollTop;
    if (cards) cards.scrollTop += pull(this.at.y, cards.getBoundingClientRect(), "top", "bottom");
    if (this.board.scrollLeft !== before || cards?.scrollTop !== top) this.follow(this.at);
    this.frame = requestAnimationFrame(this.scroll);
  };
}

function middle(card: HTMLElement): number {
  const box = card.getBoundingClientRect();
  return box.top + box.height / 2;
}

/** How far a frame scrolls for a pointer near one end of a box: the nearer, the faster. */
function pull(at: number, box: DOMRect, start: "left" | "top", end: "right" | "bottom"): number {
  const low = at - Math.max(box[start], 0);
  const high = Math.min(box[end], start === "left" ? innerWidth : innerHeight) - at;
  if (Math.min(low, high) >= EDGE) return 0;
  const share = 1 - Math.max(Math.min(low, high), 0) / EDGE;
  return Math.ceil(share * FASTEST) * (low < high ? -1 : 1);
}
