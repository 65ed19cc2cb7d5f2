import { setTimeout as delay } from 'node:timers/promises';
import { createInspector } from '@statelyai/inspect';
import type { InspectionEvent } from 'xstate';
import { redactInspection } from './redact-inspection.ts';
import { openRelay, type RelayOptions } from './relay.ts';
import { statelyInspectorUrl } from './stately-page.ts';

export interface StatelyInspector {
  /** Address of a page on this machine; everyone who has it may watch. */
  readonly url: string;
  /** A line for people: the address, and what it needs. */
  readonly announcement: string;
  /** Take an inspection event of the run's machines. */
  inspect(event: InspectionEvent): void;
  close(): Promise<void>;
}

/** Show the machines of a run in the Stately Inspector, by its protocol. Data leaves this machine only through the page. */
export async function statelyInspector(options: Partial<RelayOptions> = {}): Promise<StatelyInspector> {
  const relay = await openRelay({ remembered: 5_000, maxLag: 5_000, gracePeriodMs: 1_000, ...options });
  // The package silently truncates below 10 levels, and the chart of an agent has all 10.
  const inspector = createInspector({ send: relay.send }, { serializationDepthLimit: 30 });
  const shown = redactInspection();

  return {
    url: relay.url,
    announcement: `inspector: ${relay.url} (a page around ${statelyInspectorUrl}; your browser needs that site)`,
    inspect(event) {
      const visible = shown(event);
      if (visible) inspector.inspect.next?.(visible);
    },
    async close() {
      // The package sends events in timers of 0 ms; this one fires after all of them.
      await delay(0);
      await relay.close();
    },
  };
}
