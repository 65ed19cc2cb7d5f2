import { gzipSync } from 'node:zlib';
import { type AgentState, type FlowState, stateAfter } from '../state/flow-state.ts';
import { roundsOf } from '../state/rounds.ts';
import { readJournal } from '../store/read-journal.ts';
import type { RunFolder } from '../store/state-directory.ts';
import { assets } from './assets.ts';
import { agentCharts, flowChart } from './charts.ts';
import { type ExportedRun, type Output, transcriptKey } from './page-data.ts';
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
  for (const agent of Object.values(state.agents))
    for (const output of outputsOf(agent)) {
      const printed = await readTranscript(terminals, agent.name, output);
      if (printed) transcripts[transcriptKey(agent.name, output)] = gzipSync(printed).toString('base64');
    }
  const run: ExportedRun = {
    charts: await agentCharts(),
    events,
    flow: await flowChart(state),
    transcripts,
  };
  return exportedPage(page, run);
}

/** Return the outputs of the attempts and of the checks of an agent. */
const outputsOf = ({ attempts }: AgentState): Output[] => [
  ...attempts.map(({ attempt }) => ({ of: 'attempt', number: attempt }) as const),
  ...roundsOf({ attempts }).map(({ round }) => ({ of: 'check', number: round }) as const),
];

/** Return the end of an output; null if there is none. */
async function readTranscript(terminals: Terminals, agent: string, output: Output): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  const isThere = await terminals.read(agent, output, {
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
