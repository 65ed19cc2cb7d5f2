import * as z from 'zod';
import { entries, isObject, text } from './fields.ts';
import { looksSecret } from './interpolate.ts';
import { buildTarget, envName, gpuId } from './names.ts';
import { expects, strict } from './schema-kit.ts';

const gpusForm = '"all", a whole number from 1, or {"device": ["0", "GPU-…"]}';
const deviceForm = 'an array of GPU indices or ids, such as ["0", "1"]';

export const gpus = z.union(
  [
    z.literal('all'),
    z.int().min(1, { error: expects(gpusForm) }),
    strict(
      {
        device: z
          .array(
            z
              .string({
                error: issue =>
                  typeof issue.input === 'number'
                    ? `expected a string; put it in quotes: "${issue.input}"`
                    : expects('the index or id of a GPU, such as "0"')(issue),
              })
              .regex(gpuId, { error: expects('the index or id of a GPU, such as "0" or "GPU-…"') }),
            { error: expects(deviceForm) },
          )
          .min(1, { error: expects(deviceForm) })
          .describe('Indices or ids, as listed by `nvidia-smi -L`.'),
      },
      gpusForm,
    ),
  ],
  { error: issue => (isObject(issue.input) ? undefined : expects(gpusForm)(issue)) },
);

const buildForm = 'an object such as {"context": ".", "dockerfile": "Dockerfile"}';
const folder = expects('the path of a directory; "." is the one that holds the spec');
const file = expects('the path of a Dockerfile, relative to the context');

const args = entries(
  text,
  envName,
  'a name of letters, digits and "_" that does not start with a digit',
).check(({ value, issues }) => {
  for (const name of Object.keys(value)) {
    if (!looksSecret(name)) continue;
    const message =
      'looks like a secret, which anyone could read in the image; remove it, and give it to the agent instead';
    issues.push({ code: 'custom', path: [name], input: undefined, message });
  }
});

export const build = strict(
  {
    context: z
      .string({ error: folder })
      .min(1, { error: folder })
      .optional()
      .describe('The build context, relative to the directory of the spec, which is the default.'),
    dockerfile: z
      .string({ error: file })
      .min(1, { error: file })
      .optional()
      .describe('The Dockerfile, relative to the context. Default `Dockerfile`.'),
    args: args.optional().describe('Values of its `ARG` instructions. They stay in the image: no secrets.'),
    target: z
      .string({ error: expects('the name of a build stage') })
      .regex(buildTarget, { error: expects('the name of a build stage') })
      .optional()
      .describe('The stage to build. Default: the last one.'),
  },
  buildForm,
);
