import cliProgress from "cli-progress";
import type { DownloadProgress } from "../protocol/models.ts";
import type { Out } from "./printer.ts";
import { downloadText } from "./wording.ts";

/** Lines instead of a bar are written at each of these steps. */
const STEP_PERCENT = 10;

/** How far a download is: a bar on a terminal, a line now and then elsewhere. */
export interface DownloadBar {
  show(progress: DownloadProgress): void;
  /** Ends the bar's line, so that other text may follow. */
  stop(): void;
}

export function createDownloadBar(out: Out, say: (text: string) => void): DownloadBar {
  return out.isTTY ? terminalBar(out) : lineBar(say);
}

function terminalBar(out: Out): DownloadBar {
  const bar = new cliProgress.SingleBar(
    { format: "downloading {bar} {percentage} %  {text}", stream: out, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  let isOver = false;
  return {
    show(progress) {
      if (isOver) return;
      const total = progress.totalBytes ?? progress.doneBytes;
      if (!bar.isActive) bar.start(total, progress.doneBytes, { text: "" });
      bar.setTotal(total);
      bar.update(progress.doneBytes, { text: downloadText(progress) });
      if (progress.doneBytes >= total) bar.stop();
    },
    stop() {
      isOver = true;
      bar.stop();
    },
  };
}

function lineBar(say: (text: string) => void): DownloadBar {
  let shown = -1;
  return {
    show(progress) {
      const percent = progress.totalBytes ? (progress.doneBytes / progress.totalBytes) * 100 : 0;
      const step = Math.floor(percent / STEP_PERCENT);
      if (step === shown) return;
      shown = step;
      say(downloadText(progress));
    },
    stop: () => undefined,
  };
}
