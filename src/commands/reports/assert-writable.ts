import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { reasonOf } from './reason.ts';
import { isKernels, type ReportFile, reportFile } from './report-file.ts';

/** Open the place of a file that is written when a run is over; that it can be is looked at before it begins. */
export function openPlace(option: string, file: string, example = 'junit.xml'): ReportFile {
  const refuse = (reason: string, next: string): never => {
    throw new UsageError(`${option} ${file} cannot be written: ${reason}. ${next}`);
  };
  if (file === '-' || file === '') refuse('it takes a file', `Name one, for example ${example}`);
  const folder = dirname(resolve(file));
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    refuse(`${folder} is no directory`, 'Make it first, or name another file');
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    refuse('it is a directory', 'Name a file in it');
  try {
    // A file is written aside, and takes the place of the one that is there.
    const facts = isKernels(file) ? null : statSync(file, { throwIfNoEntry: false });
    if (facts === undefined || facts?.isFile()) accessSync(folder, constants.W_OK);
    if (facts !== undefined) accessSync(file, constants.W_OK);
    return reportFile(file);
  } catch (error) {
    return refuse(reasonOf(error), 'Name another file');
  }
}
