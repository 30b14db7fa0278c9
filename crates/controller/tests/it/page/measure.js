// What of the page is wider than the window, and which texts are too faint (WCAG 2.2, 1.4.3).
(() => {
  const colour = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const channel = (value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const light = ({ r, g, b }) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const paper = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.a === 1) return found;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const outside = [], faint = [];
  let texts = 0;
  const width = document.documentElement.clientWidth;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    const range = document.createRange();
    range.selectNodeContents(node);
    const place = range.getBoundingClientRect();
    if (!node.data.trim() || !place.width || element.closest('.hidden')) continue;
    texts += 1;
    if (place.left < 0 || place.right > width + 1) outside.push(node.data.slice(0, 60));
    const [ink, ground] = [light(colour(getComputedStyle(element).color)), light(paper(element))];
    const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    if (contrast < 4.5) faint.push(`${contrast.toFixed(2)}: ${node.data.slice(0, 60)}`);
  }
  return { overflow: document.documentElement.scrollWidth - width, outside, faint, texts };
})()
