const PAGE_SECONDS = 5;
const LARGEST_PAGE = 1_000;

/**
 * How many things an inspection takes at a time. Each may cost ten requests, if all of them are odd: so a page is over within a minute at any
 * pace, and an attempt has come further before its time is up.
 */
export const pageSizeAt = (perSecond: number): number =>
  Math.min(LARGEST_PAGE, Math.max(2, Math.floor(perSecond * PAGE_SECONDS)));
