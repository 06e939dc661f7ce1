/** Runs in a page: which element has the focus, and whether one can see that it has. */
(() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { top, bottom } = element.getBoundingClientRect();
  return {
    text: element.textContent,
    row: element.closest("tr")?.id ?? null,
    outlined: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2,
    inSight: top >= 0 && bottom <= innerHeight,
  };
})();
