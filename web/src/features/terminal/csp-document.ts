/**
 * A stand-in for `document` that lets xterm.js run under style-src 'self'.
 *
 * xterm writes its colours and cell sizes into <style> elements and the style of
 * single cells into style attributes; the content security policy blocks both
 * (and rightly: a page that allows inline style lets injected markup draw over
 * it). Constructed style sheets and the CSSOM are not inline style, so the text
 * goes there instead. xterm takes the stand-in through its documentOverride
 * option, made for such cases. Elements are real ones; only two setters differ.
 */
export function cspDocument(real: Document): { document: Document; dispose: () => void } {
  const sheets = new Set<CSSStyleSheet>();

  const styleElement = (): HTMLElement => {
    // Not a <style>: even an empty one is reported when it is inserted.
    const el = real.createElement("span");
    el.hidden = true;
    const sheet = new CSSStyleSheet();
    sheets.add(sheet);
    real.adoptedStyleSheets = [...real.adoptedStyleSheets, sheet];
    Object.defineProperty(el, "textContent", {
      configurable: true,
      get: () => "",
      set: (text: string) => sheet.replaceSync(text),
    });
    el.remove = () => {
      drop(sheet);
      Element.prototype.remove.call(el);
    };
    return el;
  };

  const cellElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const el = real.createElement(name, options);
    const setAttribute = el.setAttribute.bind(el);
    const getAttribute = el.getAttribute.bind(el);
    el.setAttribute = (key, value) => {
      if (key === "style") el.style.cssText = value;
      else setAttribute(key, value);
    };
    el.getAttribute = (key) => (key === "style" ? el.style.cssText : getAttribute(key));
    return el;
  };

  const drop = (sheet: CSSStyleSheet) => {
    sheets.delete(sheet);
    real.adoptedStyleSheets = real.adoptedStyleSheets.filter((s) => s !== sheet);
  };

  const createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const lower = name.toLowerCase();
    if (lower === "style") return styleElement();
    return lower === "span" || lower === "div" ? cellElement(name, options) : real.createElement(name, options);
  };

  const document = new Proxy(real, {
    get(target, key) {
      if (key === "createElement") return createElement;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set(target, key, value) {
      return Reflect.set(target, key, value, target);
    },
  });
  return { document, dispose: () => [...sheets].forEach(drop) };
}
