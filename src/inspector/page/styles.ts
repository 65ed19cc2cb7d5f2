let done = false;

/**
 * The page's policy lets nobody bring styles as text, which xterm.js does in two ways: by style elements, which are
 * given the page's nonce, and by style attributes, which are set as properties instead.
 */
export function withoutInlineStyles(): void {
  if (done) return;
  done = true;
  const nonce = document.querySelector<HTMLElement>('style[nonce], link[nonce]')?.nonce ?? '';
  const create = document.createElement.bind(document);
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (name === 'style') element.nonce = nonce;
    return element;
  }) as typeof document.createElement;
  const { setAttribute } = Element.prototype;
  HTMLSpanElement.prototype.setAttribute = function (name, value) {
    if (name === 'style') this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}
