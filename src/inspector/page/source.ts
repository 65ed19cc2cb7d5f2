import type { RunEvent } from '../../events.ts';
import type { Layout } from '../../graph/positioned.ts';
import { type AgentChart, type ExportedRun, exportedRunId, transcriptKey } from '../page-data.ts';

/** Where a page has its run from: who serves it, or itself. */
export interface Source {
  /** Nobody is asked for anything: all that there is is here. */
  readonly isExported: boolean;
  listen(listener: Listener): void;
  /** Whoever looks may type into the terminals. */
  readonly mayType: boolean;
  chart(): Promise<AgentChart>;
  flow(): Promise<Layout>;
  /** What an attempt has printed, as it comes; null where nothing is there. */
  terminal(agent: string, attempt: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | null>;
  /** What there is of it, for a download. */
  transcriptUrl(agent: string, attempt: number): string | null;
  type(agent: string, keys: string): Promise<void>;
}

interface Listener {
  events(events: readonly RunEvent[]): void;
  /** An engine lives that drives the run. */
  engineActive(isActive: boolean): void;
  /** Whether there is somebody who would tell more. */
  connected(isConnected: boolean): void;
}

export function sourceOf(page: Document): Source {
  const element = page.getElementById(exportedRunId);
  return element
    ? exportedSource(JSON.parse(element.textContent ?? ''))
    : servedSource(page.querySelector('[data-may-type]') !== null);
}

function servedSource(mayType: boolean): Source {
  const json = async (path: string) => (await fetch(path)).json();
  const query = (agent: string, attempt: number) => `agent=${encodeURIComponent(agent)}&attempt=${attempt}`;
  return {
    isExported: false,
    mayType,
    listen({ events, engineActive, connected }) {
      const stream = new EventSource('events');
      stream.onmessage = ({ data }) => events(JSON.parse(data));
      stream.addEventListener('engine-active', ({ data }) => engineActive(data === 'true'));
      stream.addEventListener('end', () => {
        stream.close();
        engineActive(false);
        connected(false);
      });
      stream.onopen = () => connected(true);
      stream.onerror = () => connected(false);
    },
    chart: () => json('chart'),
    flow: () => json('flow'),
    async terminal(agent, attempt, signal) {
      const answer = await fetch(`terminal?${query(agent, attempt)}`, { signal });
      return answer.ok ? answer.body : null;
    },
    transcriptUrl: (agent, attempt) => `terminal?save&${query(agent, attempt)}`,
    async type(agent, keys) {
      const answer = await fetch('type', { method: 'POST', body: JSON.stringify({ agent, keys }) });
      if (!answer.ok) throw new Error((await answer.text()).split('. Use the address')[0]);
    },
  };
}

function exportedSource(all: ExportedRun): Source {
  const bytes = (agent: string, attempt: number) => {
    const text = all.transcripts[transcriptKey(agent, attempt)];
    if (text === undefined) return null;
    const zipped = new Blob([Uint8Array.from(atob(text), char => char.charCodeAt(0))]);
    return zipped.stream().pipeThrough(new DecompressionStream('gzip'));
  };
  return {
    isExported: true,
    mayType: false,
    listen({ events, connected }) {
      events(all.events);
      connected(false);
    },
    chart: async () => all,
    flow: async () => all.flow,
    terminal: async (agent, attempt) => bytes(agent, attempt),
    transcriptUrl: () => null,
    type: async () => {},
  };
}
