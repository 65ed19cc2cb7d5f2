/** A clone could not be made; the message says what and why. */
export class CloneError extends Error {
  override readonly name = 'CloneError';
}
