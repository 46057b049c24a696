// Shows how far a build is: a bar in a terminal, one line a step elsewhere.

import { SingleBar } from "cli-progress";

export interface Progress {
  /** More steps are known now. */
  expect(steps: number): void;
  started(title: string): void;
  finished(title: string): void;
  /** The step's result was there already. */
  skipped(title: string): void;
  /** Ends the display, whether or not all went well. */
  stop(): void;
}

export function createProgress(): Progress {
  return process.stderr.isTTY ? new BarProgress() : new LineProgress();
}

/** For tests and for use as a library. */
export const silentProgress: Progress = { expect() {}, started() {}, finished() {}, skipped() {}, stop() {} };

class LineProgress implements Progress {
  readonly #begun = new Map<string, number>();

  expect(): void {}

  started(title: string): void {
    this.#begun.set(title, Date.now());
  }

  finished(title: string): void {
    const seconds = (Date.now() - (this.#begun.get(title) ?? Date.now())) / 1000;
    process.stderr.write(`  ${title} (${seconds.toFixed(1)} s)\n`);
  }

  skipped(): void {}

  stop(): void {}
}

class BarProgress implements Progress {
  readonly #bar = new SingleBar({ format: "  build [{bar}] {value}/{total} {step}", barsize: 24, hideCursor: true, clearOnComplete: true, stream: process.stderr });
  readonly #running = new Set<string>();
  #total = 0;

  expect(steps: number): void {
    this.#total += steps;
    if (this.#bar.isActive) this.#bar.setTotal(this.#total);
    else this.#bar.start(this.#total, 0, { step: "" });
  }

  started(title: string): void {
    this.#running.add(title);
    this.#show(0);
  }

  finished(title: string): void {
    this.#running.delete(title);
    this.#show(1);
  }

  skipped(): void {
    this.#show(1);
  }

  stop(): void {
    this.#bar.stop();
  }

  #show(done: number): void {
    this.#bar.increment(done, { step: [...this.#running].join(", ") });
  }
}
