import * as z from 'zod';
import { isObject } from './fields.ts';
import { expects, strict } from './schema-kit.ts';
import { parseSize, sizePattern } from './units.ts';

const modes = ['bind', 'clone', 'copy', 'none'] as const;
const folderForm = 'the path of a directory; "." is the one that holds the spec';
const workspaceForm = 'the path of a directory, or {"mode": "clone", "path": "."}';

const folder = z.string({ error: expects('the path of a directory') }).min(1, { error: expects(folderForm) });

const described = strict(
  {
    mode: z
      .enum(modes, { error: expects('"bind", "clone", "copy" or "none"') })
      .optional()
      .describe(
        '`bind` (default): the agent works in the directory itself. `clone`: in a clone of the git repository that it is in; what it does comes back as a branch. `copy`: in a copy, which is kept with the run; also where the engine is remote. `none`: in an empty directory.',
      ),
    path: folder.optional().describe('The directory, relative to the spec’s own. Not with `none`.'),
    from: z
      .string({ error: expects('the name of an agent') })
      .optional()
      .describe(
        'Of a clone: the agent whose work it starts from. It has a clone of the same repository, and is waited for.',
      ),
  },
  workspaceForm,
).check(({ value: { mode = 'bind', path, from }, issues }) => {
  const say = (key: string, input: unknown, message: string) =>
    issues.push({ code: 'custom', path: [key], input, message });
  if (mode === 'none' && path !== undefined)
    say('path', path, 'an agent with "mode": "none" gets no directory; take it out');
  if (mode !== 'none' && path === undefined) say('path', undefined, `missing; expected ${folderForm}`);
  if (mode !== 'clone' && from !== undefined)
    say('from', from, 'only a clone can start from the work of another agent; give it "mode": "clone"');
});

export const workspace = z.union([folder, described], {
  error: issue => (isObject(issue.input) ? undefined : expects(workspaceForm)(issue)),
});

const artifactForm = 'a path inside the workspace, such as "dist/report.html"';

export const insidePath = z
  .string({ error: expects(artifactForm) })
  .refine(written => isInside(written), {
    error: `expected ${artifactForm}: relative, without ".." and control characters`,
  })
  .transform(written => parts(written).join('/'));

const maxSize = z
  .string({ error: expects('a size such as "512k" or "20m"') })
  .regex(sizePattern, { error: expects('a size such as "512k" or "20m"'), abort: true })
  .transform(written => parseSize(written)!);

const artifact = z.union(
  [
    insidePath,
    strict(
      {
        path: insidePath.describe('Relative to the workspace.'),
        maxSize: maxSize.optional().describe('The most that is kept of it, such as `20m`.'),
      },
      artifactForm,
    ),
  ],
  { error: issue => (isObject(issue.input) ? undefined : expects(artifactForm)(issue)) },
);

export const artifacts = z
  .array(artifact, { error: expects('an array of paths inside the workspace') })
  .transform(given =>
    given.map(one =>
      typeof one === 'string'
        ? { path: one, maxSize: null }
        : { path: one.path, maxSize: one.maxSize ?? null },
    ),
  );

const parts = (path: string) => path.split('/').filter(part => part !== '' && part !== '.');

function isInside(path: string): boolean {
  const names = parts(path);
  return !path.startsWith('/') && !/\p{Cc}/u.test(path) && names.length > 0 && !names.includes('..');
}
