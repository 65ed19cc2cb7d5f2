/** The view of a run, as in the address after `#`. */
export type Route =
  | { readonly view: 'flow' }
  | {
      readonly view: 'agent';
      readonly agent: string;
      readonly tab: 'chart' | 'terminal';
      /** The round whose check is shown in the terminal instead of the agent. */
      readonly check?: number;
    };

export function routeOf(hash: string): Route {
  const [word, name = '', tab, check = ''] = hash.replace(/^#/, '').split('/');
  if (word !== 'agent' || name === '') return { view: 'flow' };
  try {
    const agent = decodeURIComponent(name);
    if (tab !== 'terminal') return { view: 'agent', agent, tab: 'chart' };
    return { view: 'agent', agent, tab, ...(/^[1-9]\d{0,2}$/.test(check) && { check: Number(check) }) };
  } catch {
    return { view: 'flow' };
  }
}

export function hashOf(route: Route): string {
  if (route.view === 'flow') return '#';
  const agent = `#agent/${encodeURIComponent(route.agent)}`;
  if (route.tab === 'chart') return agent;
  return `${agent}/terminal${route.check === undefined ? '' : `/${route.check}`}`;
}
