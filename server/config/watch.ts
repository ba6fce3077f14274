import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Editors write a file in several steps, or put a new one in its place: it is looked at when it has been quiet for so long. */
const QUIET_MS = 150;

/**
 * Calls `onChange` some time after the file was written, replaced, made or removed. Its folder is watched, since an editor that puts a new
 * file in place of the old one leaves the old one's watcher blind; where there is no folder yet, the one above. Never throws: where
 * nothing can be watched, nothing is called.
 */
export function watchFile(path: string, onChange: () => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | null = null;
  let isOver = false;

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      // A folder that has just come is watched from here on, one that has gone no longer.
      if (!isOver) begin();
      onChange();
    }, QUIET_MS).unref();
  };

  function begin(): void {
    watcher?.close();
    watcher =
      watchFolder(dirname(path), basename(path)) ?? watchFolder(dirname(dirname(path)), basename(dirname(path)));
  }

  function watchFolder(folder: string, name: string): FSWatcher | null {
    try {
      const made = watch(folder, { persistent: false }, (_event, changed) => {
        // Some systems do not say what has changed.
        if (changed === null || changed === name) later();
      });
      // A folder that is removed under its watcher ends it.
      made.on("error", later);
      return made;
    } catch {
      return null;
    }
  }

  begin();
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
      watcher?.close();
    },
  };
}
