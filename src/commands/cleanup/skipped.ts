export interface Skipped {
  readonly name: string;
  readonly why: string;
}
