import { setTimeout as delay } from 'node:timers/promises';
import { createInspector } from '@statelyai/inspect';
import type { InspectionEvent } from 'xstate';
import { redactInspection } from './redact-inspection.ts';
import { openRelay, type RelayOptions } from './relay.ts';
import { statelyInspectorUrl } from './stately-page.ts';

export interface StatelyInspector {
  /** A page on this machine; whoever knows its address may watch. */
  readonly url: string;
  /** For people: where it is, and what it needs. */
  readonly announcement: string;
  /** Takes the inspection events of the run's machines. */
  inspect(event: InspectionEvent): void;
  close(): Promise<void>;
}

/** Shows a run's machines in the Stately Inspector, in its own protocol. Nothing leaves this machine but by the page. */
export async function statelyInspector(options: Partial<RelayOptions> = {}): Promise<StatelyInspector> {
  const relay = await openRelay({ remembered: 5_000, maxLag: 5_000, gracePeriodMs: 1_000, ...options });
  // The package cuts off without a word what lies deeper than 10 levels, and the chart of an agent has all 10.
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
      // The package sends what it is given by timers of 0 ms; this one comes after all of them.
      await delay(0);
      await relay.close();
    },
  };
}
