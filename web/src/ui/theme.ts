/** Theme: light or dark, as the system says unless the person chose. */

import { effect, signal } from "@preact/signals";

const system = matchMedia("(prefers-color-scheme: dark)");
const kept = localStorage.getItem("plaza.theme");

export const isDark = signal(kept ? kept === "dark" : system.matches);

system.addEventListener("change", () => {
  if (!localStorage.getItem("plaza.theme")) isDark.value = system.matches;
});

effect(() => {
  document.documentElement.dataset.theme = isDark.value ? "dark" : "light";
});

export function toggleTheme(): void {
  isDark.value = !isDark.value;
  localStorage.setItem("plaza.theme", isDark.value ? "dark" : "light");
}
