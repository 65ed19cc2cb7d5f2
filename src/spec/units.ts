/** Durations such as `90s`, `45m`, `1h30m`, `500ms`: largest unit first, each at most once. */
export const durationPattern = /^(?=\d)(?:\d{1,9}h)?(?:\d{1,9}m(?!s))?(?:\d{1,9}s)?(?:\d{1,9}ms)?$/;

/** Sizes such as `512m`, `4g`, `1.5gb`: binary units, in either case. */
export const sizePattern = /^\d{1,9}(?:\.\d{1,3})?[kmgKMG][bB]?$/;

/** Milliseconds: the longest delay of a Node timer is 2^31 ms. */
export const maxDuration = 24 * 24 * 3_600_000;
/** Bytes: Docker rejects less with "Minimum memory limit allowed is 6MB". */
export const minMemory = 6 * 2 ** 20;
export const maxMemory = 2 ** 50;

const milliseconds = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
const bytes = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 } as const;

/** Return milliseconds; null for text that is not a valid duration. */
export function parseDuration(text: string): number | null {
  if (!durationPattern.test(text)) return null;
  const parts = [...text.matchAll(/(\d+)(ms|h|m|s)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * milliseconds[unit as 'ms'], 0);
}

/** Return bytes, rounded; null for text that is not a valid size. */
export function parseSize(text: string): number | null {
  if (!sizePattern.test(text)) return null;
  const unit = /[kmg]/.exec(text.toLowerCase())![0] as keyof typeof bytes;
  return Math.round(Number.parseFloat(text) * bytes[unit]);
}

/** Format a duration as `1m 30s`, `2h`, `1.5s`, `500ms`: tenths below ten seconds, whole seconds above. */
export function formatDuration(ms: number): string {
  if (!(ms >= 1)) return '0s';
  if (ms < 1000) return `${Math.floor(ms)}ms`;
  if (ms < 10_000) return `${Math.floor(ms / 100) / 10}s`;
  const seconds = Math.floor(ms / 1000);
  const parts = { h: Math.floor(seconds / 3600), m: Math.floor(seconds / 60) % 60, s: seconds % 60 };
  return Object.entries(parts)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count}${unit}`)
    .join(' ');
}

/** Format a size as in a spec, to a tenth: `4g`, `1.5g`, `512m`, `100b`. */
export function formatBytes(count: number): string {
  const [unit, size] = Object.entries(bytes).findLast(([, size]) => count >= size) ?? ['b', 1];
  return `${Math.floor((count / size) * 10) / 10}${unit}`;
}
