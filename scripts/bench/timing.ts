import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A command line with the environment variables that it adds or, if undefined, removes. */
export interface Command {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: 0. */
  readonly exitCode?: number;
}

const timeoutMs = 10 * 60_000;

/** Run a command to its end. Returns its milliseconds; throws if its exit code is another than expected. */
export async function timeOf({ argv: [file = '', ...args], env, exitCode = 0 }: Command): Promise<number> {
  const start = performance.now();
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: timeoutMs,
  });
  let stderr = '';
  child.stderr.on('data', bytes => {
    stderr = `${stderr}${bytes}`.slice(-2000);
  });
  const [code, signal] = await once(child, 'close');
  const ms = performance.now() - start;
  if (code !== exitCode)
    throw new Error(`${[file, ...args].join(' ')} ended with ${code ?? signal}: ${stderr}`);
  return ms;
}

export const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

/** Milliseconds of each round, by name. */
export type Rounds<N extends string = string> = Readonly<Record<N, readonly number[]>>;

/** Time every command once per round, each round beginning with another one, so that all see the same load. */
export async function interleave<N extends string>(
  commands: Readonly<Record<N, () => Command>>,
  rounds: number,
): Promise<Rounds<N>> {
  const names = Object.keys(commands) as N[];
  const times = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<N, number[]>;
  for (let round = 0; round < rounds; round++)
    for (let at = 0; at < names.length; at++) {
      const name = names[(round + at) % names.length]!;
      times[name].push(await timeOf(commands[name]()));
    }
  return times;
}

/** Return the median of the ratios of each round, which a change of the load between rounds does not affect. */
export const ratioOf = (times: readonly number[], to: readonly number[]): number =>
  median(times.map((ms, round) => ms / to[round]!));
