import { statusLabel } from '../../state/state-label.ts';
import { AgentView } from './agent-view.tsx';
import { Badge } from './chip.tsx';
import { FlowView } from './flow-view.tsx';
import { hashOf, type Route } from './route.ts';
import type { Store, View } from './store.ts';
import { TimeBar } from './time-bar.tsx';

interface AppProps {
  readonly store: Store;
  readonly shown: View;
  readonly route: Route;
}

export function App({ store, shown, route }: AppProps) {
  const { state } = shown;
  return (
    <>
      <header>
        <h1>
          <a href={hashOf({ view: 'flow' })}>{state.name || 'agent-flow'}</a>
        </h1>
        <span class="muted">{state.runId}</span>
        {state.ended ? (
          <Badge mark={state.ended.status} word={statusLabel[state.ended.status]} />
        ) : (
          <Badge mark="running" word={state.startedAt === null ? 'waiting' : 'under way'} />
        )}
        <span class="muted link" role="status">
          {connectionWord(shown, store.source.isExported)}
        </span>
        <details class="keys">
          <summary>Keys</summary>
          <dl>
            {keys.map(([key, meaning]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
        </details>
      </header>
      <TimeBar store={store} shown={shown} />
      {route.view === 'flow' ? (
        <FlowView store={store} shown={shown} />
      ) : (
        <AgentView store={store} shown={shown} route={route} />
      )}
    </>
  );
}

const keys = [
  ['← →', 'previous event, next event'],
  ['Home End', 'first event, latest event'],
  ['j k', 'next agent, previous agent'],
  ['t', 'its terminal, its chart'],
  ['g', 'all agents'],
  ['/', 'search in the terminal'],
] as const;

function connectionWord({ isConnected, hasSupervisor, newest }: View, isKept: boolean): string {
  if (isKept) return 'exported';
  if (!isConnected) return 'disconnected: the server has exited';
  if (newest.ended) return 'finished';
  return hasSupervisor ? 'live' : 'interrupted: run agent-flow resume';
}
