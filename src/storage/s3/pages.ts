/** Collects a listing of any number of pages. `next` is null on the last one. */
export async function collectPages<Item, Marker>(
  load: (marker: Marker | null) => Promise<{ items: Item[]; next: Marker | null }>,
): Promise<Item[]> {
  const all: Item[] = [];
  let marker: Marker | null = null;
  do {
    const page: { items: Item[]; next: Marker | null } = await load(marker);
    all.push(...page.items);
    marker = page.next;
  } while (marker !== null);
  return all;
}
