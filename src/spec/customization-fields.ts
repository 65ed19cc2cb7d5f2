import * as z from 'zod';
import { expects } from './schema-kit.ts';

const skillForm = 'the path of a folder with a SKILL.md';
const instructionsForm = 'the path of a text file';

export const skills = z.array(z.string({ error: expects(skillForm) }).min(1, { error: expects(skillForm) }), {
  error: expects('an array of folders, such as ["./skills/release-notes"]'),
});

export const instructions = z
  .string({ error: expects(instructionsForm) })
  .min(1, { error: expects(instructionsForm) });

export const trustWorkspace = z.boolean({ error: expects('true or false') });
