import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { reasonOf } from './reason.ts';
import { isKernels, type ReportFile, reportFile } from './report-file.ts';

/** Open a report file that is written at the end of the run. Throw a `UsageError` now if that will not be possible. */
export function openReport(option: string, file: string, example = 'junit.xml'): ReportFile {
  const refuse = (reason: string, next: string): never => {
    throw new UsageError(`${option} ${file} cannot be written: ${reason}. ${next}`);
  };
  if (file === '-' || file === '') refuse('a file name is required', `For example: ${option} ${example}`);
  const folder = dirname(resolve(file));
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    refuse(`${folder} is not a directory`, 'Create it first, or name another file');
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    refuse('it is a directory', 'Name a file in it');
  try {
    // The report is written beside the file and then renamed over it.
    const facts = isKernels(file) ? null : statSync(file, { throwIfNoEntry: false });
    if (facts === undefined || facts?.isFile()) accessSync(folder, constants.W_OK);
    if (facts !== undefined) accessSync(file, constants.W_OK);
    return reportFile(file);
  } catch (error) {
    return refuse(reasonOf(error), 'Name another file');
  }
}
