/** The view of a run, as in the address after `#`. */
export type Route =
  | { readonly view: 'flow' }
  | { readonly view: 'agent'; readonly agent: string; readonly tab: 'chart' | 'terminal' };

export function routeOf(hash: string): Route {
  const [word, name = '', tab] = hash.replace(/^#/, '').split('/');
  if (word !== 'agent' || name === '') return { view: 'flow' };
  try {
    return { view: 'agent', agent: decodeURIComponent(name), tab: tab === 'terminal' ? tab : 'chart' };
  } catch {
    return { view: 'flow' };
  }
}

export const hashOf = (route: Route): string =>
  route.view === 'flow'
    ? '#'
    : `#agent/${encodeURIComponent(route.agent)}${route.tab === 'terminal' ? '/terminal' : ''}`;
