/** Result of one check of `doctor`. */
export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** The fix; null without a problem. */
  readonly hint: string | null;
}

export const ok = (check: string, found: string): Finding => ({ check, status: 'ok', found, hint: null });

export const warn = (check: string, found: string, hint: string): Finding => ({
  check,
  status: 'warn',
  found,
  hint,
});

export const fail = (check: string, found: string, hint: string): Finding => ({
  check,
  status: 'fail',
  found,
  hint,
});
