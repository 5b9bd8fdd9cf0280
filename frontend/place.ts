const GAP = 4;

/** Puts the menu under its opener, or above it where there is more room, and always inside the window. */
export function place(menu: HTMLElement, opener: HTMLElement): void {
  const box = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = box.bottom + GAP;
  const top = below + height < innerHeight ? below : Math.max(GAP, box.top - height - GAP);
  const left = menu.dataset.align === "start" ? box.left : box.right - width;
  menu.style.top = `${top}px`;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.querySelector<HTMLElement>(".menu-item")?.focus({ preventScroll: true });
}
