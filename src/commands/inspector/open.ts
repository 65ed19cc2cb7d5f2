import type { RunFolder } from '../../engine/state-dir.ts';
import { openInspector } from '../../inspector/server.ts';
import { terminalsOf } from './terminals.ts';

/** The inspector of a run that is yet to be named. */
export const inspectorOf = (how: { readonly port: number; readonly mayType: boolean }) =>
  openInspector({ ...how, terminals: terminalsOf });

/** The whole inspector of a run, in a file. */
export async function writeInspector(folder: RunFolder, file: string): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  const { keptRun } = await import('../../inspector/kept.ts');
  await writeFile(file, await keptRun(folder, terminalsOf));
}
