import { StepError } from '../../machines/step-error.ts';

/** A container or network with a derived name: an action that runs twice finds what the first run made (I3). */
export interface OwnedResource<T extends { readonly id: string }> {
  readonly type: 'container' | 'network';
  readonly name: string;
  readonly find: () => Promise<T | null>;
  /** Return the id of the new resource; null if it has to be found by name. */
  readonly create: () => Promise<string | null>;
  /** Return why the resource of this name must not be used, such as `notOurs`; null if it may. */
  readonly refusal: (found: T) => StepError | null;
}

/** Create the resource, or find the one that an earlier call created. Returns its id. */
export async function ensureOwned<T extends { readonly id: string }>(
  resource: OwnedResource<T>,
  { findFirst }: { readonly findFirst: boolean },
): Promise<string> {
  const existing = findFirst ? await findOwned(resource) : null;
  if (existing) return existing.id;
  const created = await resource.create();
  if (created !== null) return created;
  const found = await findOwned(resource);
  if (found) return found.id;
  throw new StepError('transient', `the ${resource.type} ${resource.name} no longer exists`);
}

/** Find the resource by its name; null if none exists. Throws for one that must not be used. */
export async function findOwned<T extends { readonly id: string }>({
  find,
  refusal,
}: OwnedResource<T>): Promise<T | null> {
  const found = await find();
  const error = found && refusal(found);
  if (error) throw error;
  return found;
}

/** Create the resource and return its id. One that landed since the last look is left to the next try. */
export async function createOwned({
  type,
  name,
  create,
}: Pick<OwnedResource<never>, 'type' | 'name' | 'create'>): Promise<string> {
  const id = await create();
  if (id !== null) return id;
  throw new StepError('transient', `the name ${name} was taken by another ${type} a moment ago`, {
    inDoubt: true,
  });
}

export const notOursMessage = (type: string, name: string, id: string) =>
  `the name ${name} is held by ${type} ${id.slice(0, 12)}, which is not ours. Rename or remove that one`;

/** The refusal of a resource whose labels are not ours: it is never used and never removed. */
export const notOurs = (type: string, name: string, { id }: { readonly id: string }) =>
  new StepError('nameConflict', notOursMessage(type, name, id));
