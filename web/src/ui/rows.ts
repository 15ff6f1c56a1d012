import type { KeyboardEvent, MouseEvent } from "react";

/** A click anywhere in a row opens it; one on something that acts by itself, or the end of a text selection, does not. */
export function openFromClick(e: MouseEvent<HTMLElement>, open: () => void) {
  if (e.target instanceof Element && e.target.closest("a, button, input, label, select")) return;
  if (window.getSelection()?.type === "Range") return;
  open();
}

/** Up and Down go from one row's own link or button (row-open) to the next. */
export function moveBetweenRows(e: KeyboardEvent<HTMLElement>) {
  const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
  if (step === 0 || !(e.target instanceof HTMLElement) || !e.target.classList.contains("row-open")) return;
  const all = [...e.currentTarget.querySelectorAll<HTMLElement>(".row-open")];
  const next = all[all.indexOf(e.target) + step];
  if (next) {
    e.preventDefault();
    next.focus();
  }
}
