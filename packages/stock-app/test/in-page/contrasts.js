/** Runs in a page. Returns each element with text, and the WCAG 2 contrast ratio between the text and its background. */
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  /** @param {string} color as CSS writes it */
  const luminance = (color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = Array.from(canvas.getImageData(0, 0, 1, 1).data, (byte) => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  /** @type {(element: Element) => string} */
  const groundOf = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    if (backgroundColor !== "rgba(0, 0, 0, 0)") return backgroundColor;
    return element.parentElement === null ? "white" : groundOf(element.parentElement);
  };

  /** @param {Element} element */
  const hasText = (element) =>
    Array.from(element.childNodes).some((node) => node.nodeType === Node.TEXT_NODE && node.nodeValue.trim() !== "");

  return Array.from(document.body.querySelectorAll("*"))
    .filter(hasText)
    .map((element) => {
      const text = luminance(getComputedStyle(element).color);
      const ground = luminance(groundOf(element));
      const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
      return [`${element.localName}.${element.className}: ${element.textContent}`, ratio];
    });
})();
