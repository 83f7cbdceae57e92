import { ArtifactError } from '../domain/errors.js';

/** How many of something run at once in this process. */
export interface Slots {
  /** Takes one. @returns how it is given back; fine more than once. @throws `too_busy` when all are taken. */
  take(): () => void;
}

/** @param what for the message: `uploads through the API`. */
export function createSlots(what: string, most: number): Slots {
  let taken = 0;
  return {
    take() {
      if (taken >= most)
        throw new ArtifactError('too_busy', `${most} ${what} run already`, { details: { atOnce: most } });
      taken += 1;
      let isMine = true;
      return () => {
        if (isMine) taken -= 1;
        isMine = false;
      };
    },
  };
}
