import { gzipSync } from 'node:zlib';
import { type FlowState, stateAfter } from '../state/flow-state.ts';
import { readJournal } from '../store/read-journal.ts';
import type { RunFolder } from '../store/state-directory.ts';
import { assets } from './assets.ts';
import { agentChart, flowChart } from './charts.ts';
import { type ExportedRun, transcriptKey } from './page-data.ts';
import { exportedPage } from './page-html.ts';
import type { Terminals } from './terminals.ts';

/** Bytes of each transcript, from its end: a larger page could not be opened. */
const maxTranscriptSize = 8 * 2 ** 20;

/** Return the inspector of a run as one HTML file. Its sources contain no secrets. */
export async function exportRun(
  folder: RunFolder,
  terminalsOf: (folder: RunFolder, state: () => FlowState) => Terminals,
): Promise<string> {
  const page = await assets();
  const { events } = readJournal(folder.journal);
  const state = stateAfter(events);
  const terminals = terminalsOf(folder, () => state);
  const transcripts: Record<string, string> = {};
  for (const { name, attempts } of Object.values(state.agents))
    for (const { attempt } of attempts) {
      const printed = await readTranscript(terminals, name, attempt);
      if (printed) transcripts[transcriptKey(name, attempt)] = gzipSync(printed).toString('base64');
    }
  const run: ExportedRun = {
    ...(await agentChart()),
    events,
    flow: await flowChart(state),
    transcripts,
  };
  return exportedPage(page, run);
}

/** Return the end of the output of an attempt; null if there is none. */
async function readTranscript(terminals: Terminals, agent: string, attempt: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  const isThere = await terminals.read(agent, attempt, {
    follow: false,
    signal: new AbortController().signal,
    async write(bytes) {
      // The caller may reuse the buffer when this returns.
      chunks.push(Buffer.from(bytes));
      size += bytes.length;
      while (size - chunks[0]!.length > maxTranscriptSize) size -= chunks.shift()!.length;
    },
  });
  return isThere ? Buffer.concat(chunks) : null;
}
