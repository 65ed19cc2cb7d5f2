import { openInspector } from '../../inspector/server.ts';
import type { RunFolder } from '../../store/state-directory.ts';
import { reportFile } from '../reports/report-file.ts';
import { approvalsOf } from './approvals.ts';
import { terminalsOf } from './terminals.ts';

/** Start the inspector. The run to show is set later. */
export const inspectorOf = (options: { readonly port: number; readonly mayWrite: boolean }) =>
  openInspector({ ...options, terminals: terminalsOf, approvals: approvalsOf });

/** Render the inspector of a run as one page. */
export async function inspectorPage(folder: RunFolder): Promise<string> {
  const { exportRun } = await import('../../inspector/export-run.ts');
  return exportRun(folder, terminalsOf);
}

/** Write the inspector of a run to a file. */
export async function writeInspector(folder: RunFolder, file: string): Promise<void> {
  reportFile(file).write(await inspectorPage(folder));
}
