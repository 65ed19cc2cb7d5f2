import * as z from 'zod';
import { isObject } from './fields.ts';
import { onHost, pathOnHostError } from './mount-fields.ts';
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
        '`bind` (default): mount the directory itself. `clone`: a clone of its git repository; the work is saved as a branch. `copy`: a copy, which is kept with the run; also works with a remote engine. `none`: an empty directory.',
      ),
    path: folder
      .optional()
      .describe('The directory, relative to the directory of the spec. Not with `none`.'),
    onHost: onHost.describe(
      "With `bind`: whether `path` is one of the engine's machine, which is another one: absolute, and used as it is. Git files in it are not protected. Default false.",
    ),
    from: z
      .string({ error: expects('the name of an agent') })
      .optional()
      .describe(
        'For a clone: the agent whose work it starts from, with a clone of the same repository and listed in `dependsOn`.',
      ),
  },
  workspaceForm,
).check(({ value: { mode = 'bind', path, onHost, from }, issues }) => {
  const report = (key: string, input: unknown, message: string) =>
    issues.push({ code: 'custom', path: [key], input, message });
  if (mode === 'none' && path !== undefined)
    report('path', path, 'an agent with "mode": "none" gets no directory; take it out');
  if (mode !== 'none' && path === undefined) report('path', undefined, `missing; expected ${folderForm}`);
  if (mode !== 'bind' && onHost === true)
    report(
      'onHost',
      onHost,
      `a directory of the engine's machine can only be bound; remove "mode": "${mode}"`,
    );
  const error = onHost === true && path !== undefined ? pathOnHostError(path) : null;
  if (error !== null) report('path', path, error);
  if (mode !== 'clone' && from !== undefined)
    report('from', from, 'only a clone can start from the work of another agent; give it "mode": "clone"');
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
        maxSize: maxSize.optional().describe('Maximum size to keep, such as `20m`.'),
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
