/** Runs in a page. Returns the focused element, and whether its focus is visible. */
(() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { top, bottom, left, right } = element.getBoundingClientRect();
  const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return {
    text: element.textContent,
    row: element.closest("tr")?.id ?? null,
    outlined: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2,
    inSight: top >= 0 && bottom <= innerHeight,
    isHit: element.contains(hit),
  };
})();
