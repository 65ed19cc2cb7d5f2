import { join } from 'node:path';
import { asStepError } from '../../machines/step-error.ts';
import { reachCurrent } from '../connection/engine-connection.ts';
import { FlowError } from '../errors.ts';
import { baseTag, buildBaseImage } from '../images/base.ts';
import { ensureProvider } from '../images/provider.ts';
import { packageFolder } from '../package.ts';
import { providerNamed, providerNames } from '../providers/catalogue.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';

interface BuildOptions extends CommonOptions {
  readonly gpu: boolean;
  readonly baseImage?: string;
  readonly provider?: string;
  readonly cache: boolean;
  readonly json: boolean;
}

const thirtyMinutes = 30 * 60_000;

export const build: Command = {
  options: yargs =>
    yargs
      .option('gpu', { type: 'boolean', default: false, describe: 'Build the image with CUDA instead' })
      .option('base-image', { type: 'string', requiresArg: true, describe: 'Image to build from' })
      .option('provider', {
        type: 'string',
        requiresArg: true,
        choices: providerNames,
        describe: 'Also build the image of this AI CLI',
      })
      // yargs reads `--no-cache` as `cache: false`.
      .option('cache', { type: 'boolean', default: true, hidden: true })
      .option('no-cache', { type: 'boolean', describe: 'Build every layer without the cache' })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print the image as one line of JSON',
      }),

  async handler({ gpu, baseImage: from, provider: name, cache, json }: BuildOptions) {
    const { docker } = await reachCurrent();
    const kind = gpu ? 'gpu' : 'base';
    const image = baseTag(kind);
    printLine(`building ${image} (the first build takes a minute or two)`);
    const context = { docker, source: join(packageFolder, 'docker') };
    const options = { timeout: thirtyMinutes, noCache: !cache, from };
    const failed = (error: unknown) => {
      throw new FlowError(asStepError(error).message, 1);
    };
    const { id } = await buildBaseImage(kind, options, context).catch(failed);
    const provider = name === undefined ? undefined : providerNamed(name);
    if (provider === undefined) {
      if (json) printJson({ image, id });
      else printLine(`${image} is ${id}`);
      return 0;
    }
    printLine(`installing ${provider.title}`);
    const made = await ensureProvider(id, provider, thirtyMinutes, context).catch(failed);
    const [tag = made.id] = made.tags;
    if (json) printJson({ image: tag, id: made.id });
    else printLine(`${tag} is ${made.id}`);
    return 0;
  },
};
