/** The demo's sign-ins: one click fills the form and sends it. */
import { $, on } from "./lib";

on("click", "[data-demo-login]", (_, button) => {
  const form = $<HTMLFormElement>("form[data-login]");
  const login = form && $<HTMLInputElement>("[name=login]", form);
  const password = form && $<HTMLInputElement>("[name=password]", form);
  if (!form || !login || !password) return;
  login.value = button.dataset.demoLogin ?? "";
  password.value = button.dataset.password ?? "";
  form.requestSubmit();
});
