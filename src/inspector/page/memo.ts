import type { Component, FunctionComponent, VNode } from 'preact';

/** Render a component again only when a prop has changed. */
export function memo<Props extends object>(part: (props: Props) => VNode | null): FunctionComponent<Props> {
  return function Pure(this: Component<Props>, props: Props) {
    this.shouldComponentUpdate = next => !isSame(this.props as Props, next);
    return part(props);
  } as FunctionComponent<Props>;
}

function isSame<Props extends object>(one: Props, other: Readonly<Props>): boolean {
  const keys = Object.keys(one) as (keyof Props)[];
  return keys.length === Object.keys(other).length && keys.every(key => one[key] === other[key]);
}
