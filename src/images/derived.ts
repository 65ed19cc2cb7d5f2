import { type Build, buildImage } from './build.ts';
import { type Image, type ImageContext, inspectImage } from './inspect.ts';
import { buildArgs } from './layer.ts';

export interface Derived extends Omit<Build, 'args'> {
  /** The id of the image that it is built FROM. */
  readonly from: string;
  readonly args: Readonly<Record<string, string>>;
  readonly options: readonly string[];
}

/** Build an image on top of another one, unless its tag exists. */
export async function ensureDerived(derived: Derived, context: ImageContext): Promise<Image> {
  const { from, args, options, ...build } = derived;
  const { tag } = build;
  const found = await inspectImage(tag, context);
  if (found) return found;
  // BuildKit's FROM does not accept an id.
  const source = `tmux-agents-layer:source-${tag.split(':')[1]}`;
  const tagged = await context.docker(['tag', from, source], { isMutation: true });
  const all = [...options, ...buildArgs({ IMAGE: tagged.ok ? source : from, ...args })];
  try {
    return await buildImage({ ...build, args: all }, context);
  } finally {
    await context.docker(['rmi', '--no-prune', source], { timeout: 60_000, isMutation: true });
  }
}
