import type { RunEvent } from '../../events.ts';
import type { Layout } from '../../graph/positioned.ts';
import { type AgentChart, type ExportedRun, exportedRunId, transcriptKey } from '../page-data.ts';

/** The source of a page's data: its server, or the page itself. */
export interface Source {
  /** Whether the page contains all data. */
  readonly isExported: boolean;
  listen(listener: Listener): void;
  /** Whether the page may type into terminals. */
  readonly mayType: boolean;
  chart(): Promise<AgentChart>;
  flow(): Promise<Layout>;
  /** Stream the output of an attempt; null if there is none. */
  terminal(agent: string, attempt: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | null>;
  /** URL to download the output; null if there is none. */
  transcriptUrl(agent: string, attempt: number): string | null;
  type(agent: string, keys: string): Promise<void>;
}

interface Listener {
  events(events: readonly RunEvent[]): void;
  /** Called when a supervisor begins or ceases to drive the run. */
  supervised(isActive: boolean): void;
  /** Called when the connection to the server changes. */
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
    listen({ events, supervised, connected }) {
      const stream = new EventSource('events');
      stream.onmessage = ({ data }) => events(JSON.parse(data));
      stream.addEventListener('supervised', ({ data }) => supervised(data === 'true'));
      stream.addEventListener('end', () => {
        stream.close();
        supervised(false);
        connected(false);
      });
      stream.onopen = () => connected(true);
      stream.onerror = () => connected(false);
    },
    chart: () => json('chart'),
    flow: () => json('flow'),
    async terminal(agent, attempt, signal) {
      const result = await fetch(`terminal?${query(agent, attempt)}`, { signal });
      return result.ok ? result.body : null;
    },
    transcriptUrl: (agent, attempt) => `terminal?save&${query(agent, attempt)}`,
    async type(agent, keys) {
      const result = await fetch('type', { method: 'POST', body: JSON.stringify({ agent, keys }) });
      if (!result.ok) throw new Error((await result.text()).split('. Use the address')[0]);
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
