/** Light, dark or as the system says; wide or narrow rail. Kept in cookies, so the server draws the next page right. */
import { $$, on, remember } from "./lib";

on("click", "[data-set-theme]", (event, button) => {
  event.preventDefault();
  const theme = button.dataset.setTheme ?? "system";
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  button.closest<HTMLDialogElement>("#palette")?.close();
  for (const other of $$("button[data-set-theme]")) other.setAttribute("aria-pressed", String(other === button));
  document.dispatchEvent(new CustomEvent("theme"));
});

on("click", "[data-rail]", (_, button) => {
  const narrow = document.documentElement.classList.toggle("rail-narrow");
  button.setAttribute("aria-expanded", String(!narrow));
  remember("rail", narrow ? "narrow" : "wide");
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("theme")));
