import { Component, type ComponentChildren } from 'preact';

/** A part of the page that is drawn again only when what it is given is something else. */
export abstract class Pure<Props> extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const keys = new Set([...Object.keys(this.props as object), ...Object.keys(next as object)]);
    return [...keys].some(
      key => this.props[key as keyof typeof this.props] !== next[key as keyof Props as never],
    );
  }
  abstract override render(): ComponentChildren;
}
