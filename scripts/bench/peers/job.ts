import PQueue from 'p-queue';

/** Arguments of every runner but agent-flow, in this order; `floor.sh` takes the same. */
export interface Job {
  readonly count: number;
  readonly atOnce: number;
  readonly image: string;
  /** Marks the containers of the benchmark, as `key=value`. */
  readonly label: string;
  readonly cpus: number;
  readonly command: string;
}

export const jobArgs = ({ count, atOnce, image, label, cpus, command }: Job): string[] => [
  String(count),
  String(atOnce),
  image,
  label,
  String(cpus),
  command,
];

export function jobOf(args: readonly string[]): Job {
  const [count, atOnce, image = '', label = '', cpus, command = ''] = args;
  return { count: Number(count), atOnce: Number(atOnce), image, label, cpus: Number(cpus), command };
}

/** Run one function for each agent, a limited number at once. */
export async function forEachAgent({ count, atOnce }: Job, run: (name: string) => Promise<void>) {
  const queue = new PQueue({ concurrency: atOnce });
  await queue.addAll(Array.from({ length: count }, (_, index) => () => run(`agent-${index + 1}`)));
}
