/** Above this share a card is as good as full: the next prompt may not find room (seed 000 asks for a warning above 95 %). */
export const FULL_SHARE = 0.95;
/** A card that was full is so until this much is free again, so that a value about the threshold is told once. */
const ROOM_SHARE = 0.9;

/** Whether a card is full after one more reading of its memory; `totalBytes` is more than 0. */
export function isFullAfter(
  wasFull: boolean,
  { usedBytes, totalBytes }: { readonly usedBytes: number; readonly totalBytes: number },
): boolean {
  const share = usedBytes / totalBytes;
  return share > FULL_SHARE || (wasFull && share > ROOM_SHARE);
}
