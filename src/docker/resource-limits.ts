/** The limits that an engine supports; rootless engines and small kernels lack some. */
export interface SupportedLimits {
  readonly cpus: boolean;
  readonly memory: boolean;
  readonly swap: boolean;
  readonly pids: boolean;
}

export const allLimits: SupportedLimits = { cpus: true, memory: true, swap: true, pids: true };

export interface ResourceLimits {
  readonly cpus?: number;
  /** Bytes, or docker's notation: `64m`. */
  readonly memory?: number | string;
  /** Bytes of memory and swap together. */
  readonly memorySwap?: number | string;
  readonly pids: number;
}

/**
 * Return the flags of `docker create`. A limit that the engine lacks is left out, since an engine without CPU quotas refuses
 * `--cpus`.
 */
export function limitFlags(
  { cpus, memory, memorySwap, pids }: ResourceLimits,
  supported: SupportedLimits = allLimits,
): string[] {
  const flag = (name: string, value: number | string | undefined, isSupported: boolean) =>
    value === undefined || !isSupported ? [] : [`--${name}=${value}`];
  return [
    ...flag('pids-limit', pids, supported.pids),
    ...flag('memory', memory, supported.memory),
    ...flag('memory-swap', memorySwap, supported.memory && supported.swap),
    ...flag('cpus', cpus, supported.cpus),
  ];
}

/** Return the flags of `docker create` that the engine does not support. */
export function missingLimits({ cpus, memory, swap, pids }: SupportedLimits): string[] {
  return [
    ...(cpus ? [] : ['--cpus']),
    ...(memory ? [] : ['--memory']),
    ...(memory && swap ? [] : ['--memory-swap']),
    ...(pids ? [] : ['--pids-limit']),
  ];
}
