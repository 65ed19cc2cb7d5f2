import { hashOf, type Route } from './route.ts';
import type { Store } from './store.ts';

/** Handle a key outside of input elements. Return whether it has an action. */
export function onKey(event: KeyboardEvent, store: Store, route: Route): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || takesKeys(event.target)) return false;
  const { index, state } = store.shown();
  const go = (to: Route) => {
    location.hash = hashOf(to);
  };
  const names = Object.keys(state.agents);
  const at = route.view === 'agent' ? names.indexOf(route.agent) : -1;
  const agent = (step: number) => {
    const next = names[Math.min(names.length - 1, Math.max(0, at + step))];
    if (next !== undefined)
      go({ view: 'agent', agent: next, tab: route.view === 'agent' ? route.tab : 'chart' });
  };
  const actions: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => store.look(index - 1),
    ArrowRight: () => store.look(index + 1),
    Home: () => store.look(0),
    End: () => store.look(null),
    j: () => agent(1),
    k: () => agent(-1),
    g: () => go({ view: 'flow' }),
    t: () => {
      if (route.view === 'agent') go({ ...route, tab: route.tab === 'chart' ? 'terminal' : 'chart' });
    },
    '/': () => document.querySelector<HTMLInputElement>('.search input')?.focus(),
  };
  const action = actions[event.key];
  action?.();
  return action !== undefined;
}

const takesKeys = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest('input, textarea, select, .scroll') !== null;
