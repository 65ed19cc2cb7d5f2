import type { RunEvent } from '../../events.ts';
import type { Layout } from '../../graph/positioned.ts';
import {
  type AgentCharts,
  type ExportedRun,
  exportedRunId,
  type Output,
  transcriptKey,
} from '../page-data.ts';

/** The source of a page's data: its server, or the page itself. */
export interface Source {
  /** Whether the page contains all data. */
  readonly isExported: boolean;
  listen(listener: Listener): void;
  /** Whether the page may type into terminals and decide on approvals. */
  readonly mayWrite: boolean;
  charts(): Promise<AgentCharts>;
  flow(): Promise<Layout>;
  /** Stream an output; null if there is none. */
  terminal(agent: string, output: Output, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | null>;
  /** URL to download the output; null if there is none. */
  transcriptUrl(agent: string, output: Output): string | null;
  type(agent: string, keys: string): Promise<void>;
  /** Decide on an approval. Resolves with the result as text, and rejects if the decision does not count. */
  decide(agent: string, decision: 'approved' | 'rejected', reason: string): Promise<string>;
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
    : servedSource(page.querySelector('[data-may-write]') !== null);
}

function servedSource(mayWrite: boolean): Source {
  const json = async (path: string) => (await fetch(path)).json();
  const query = (agent: string, { of, number }: Output) =>
    `agent=${encodeURIComponent(agent)}&${of}=${number}`;
  const post = async (path: string, body: object) => {
    const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error((await response.text()).split(' Use the address')[0]!.trim());
    return response;
  };
  return {
    isExported: false,
    mayWrite,
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
    charts: () => json('charts'),
    flow: () => json('flow'),
    async terminal(agent, output, signal) {
      const result = await fetch(`terminal?${query(agent, output)}`, { signal });
      return result.ok ? result.body : null;
    },
    transcriptUrl: (agent, output) => `terminal?save&${query(agent, output)}`,
    async type(agent, keys) {
      await post('type', { agent, keys });
    },
    async decide(agent, decision, reason) {
      const { message } = await (await post('decide', { agent, decision, reason })).json();
      return String(message);
    },
  };
}

function exportedSource(all: ExportedRun): Source {
  const bytes = (agent: string, output: Output) => {
    const text = all.transcripts[transcriptKey(agent, output)];
    if (text === undefined) return null;
    const zipped = new Blob([Uint8Array.from(atob(text), char => char.charCodeAt(0))]);
    return zipped.stream().pipeThrough(new DecompressionStream('gzip'));
  };
  return {
    isExported: true,
    mayWrite: false,
    listen({ events, connected }) {
      events(all.events);
      connected(false);
    },
    charts: async () => all.charts,
    flow: async () => all.flow,
    terminal: async (agent, output) => bytes(agent, output),
    transcriptUrl: () => null,
    type: async () => {},
    decide: () => Promise.reject(new Error('this page is a file')),
  };
}
