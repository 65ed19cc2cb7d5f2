let done = false;

/**
 * Make xterm.js work under the page's policy, which forbids inline styles: its style elements get the nonce of the page,
 * and its style attributes are set as properties.
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
