import { openInspector } from '../../inspector/server.ts';
import type { RunFolder } from '../../store/state-directory.ts';
import { reportFile } from '../reports/report-file.ts';
import { terminalsOf } from './terminals.ts';

/** The inspector of a run that is yet to be named. */
export const inspectorOf = (how: { readonly port: number; readonly mayType: boolean }) =>
  openInspector({ ...how, terminals: terminalsOf });

/** The whole inspector of a run, as one page. */
export async function inspectorPage(folder: RunFolder): Promise<string> {
  const { exportRun } = await import('../../inspector/export-run.ts');
  return exportRun(folder, terminalsOf);
}

/** As `inspectorPage`, in a file. */
export async function writeInspector(folder: RunFolder, file: string): Promise<void> {
  reportFile(file).write(await inspectorPage(folder));
}
