import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { reasonOf } from './reason.ts';

/** That a file can be written when a run is over is looked at before it begins. */
export function checkPlace(option: string, file: string, example = 'junit.xml'): void {
  const refuse = (reason: string, next: string) => {
    throw new UsageError(`${option} ${file} cannot be written: ${reason}. ${next}`);
  };
  if (file === '-' || file === '') refuse('it takes a file', `Name one, for example ${example}`);
  const folder = dirname(resolve(file));
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    refuse(`${folder} is no directory`, 'Make it first, or name another file');
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    refuse('it is a directory', 'Name a file in it');
  try {
    accessSync(existsSync(file) ? file : folder, constants.W_OK);
  } catch (error) {
    refuse(reasonOf(error), 'Name another file');
  }
}
