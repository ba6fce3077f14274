import type { Readable } from "node:stream";
import { type DataCallback, type Disposable, StreamMessageReader } from "vscode-languageclient/node";

/**
 * Reads messages from a stream, and tells of its end when the last of them has been handled. The library hands out one message in each
 * turn of the event loop, and would throw away an answer that arrived together with the end.
 */
export class PatientReader extends StreamMessageReader {
  #waiting = 0;
  #hasEnded = false;

  constructor(input: Readable) {
    super(input);
  }

  override listen(callback: DataCallback): Disposable {
    return super.listen((message) => {
      callback(message);
      if (this.#waiting++ === 0) this.#follow();
    });
  }

  protected override fireClose(): void {
    this.#hasEnded = true;
    if (this.#waiting === 0) super.fireClose();
  }

  /** The library's turn was asked for before this one, so the message has been handled by then. */
  #follow(): void {
    setImmediate(() => {
      this.#waiting--;
      if (this.#waiting > 0) this.#follow();
      else if (this.#hasEnded) super.fireClose();
    });
  }
}
