import type { RunFolder, StateDir } from '../../engine/state-dir.ts';
import { openInspector } from '../../inspector/server.ts';
import { terminalsOf } from './terminals.ts';

/** The inspector of one state directory's runs. */
export const inspectorOf = (stateDir: StateDir, how: { readonly port: number; readonly mayType: boolean }) =>
  openInspector({ ...how, terminals: folder => terminalsOf(stateDir, folder) });

/** The whole inspector of a run, in a file. */
export async function writeInspector(stateDir: StateDir, folder: RunFolder, file: string): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  const { keptRun } = await import('../../inspector/kept.ts');
  await writeFile(file, await keptRun(folder, terminalsOf(stateDir, folder)));
}
