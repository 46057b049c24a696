// Types commands into a guest's shell, one at each prompt, where no user sits at a terminal.

/**
 * Prompt of the demo guest (scripts/guests/initramfs/start.sh) as it stands at the end of the output. The shell asks
 * the terminal where its cursor is (ECMA-48 DSR) and takes keys without an answer.
 */
const PROMPT = /linux# (\x1b\[6n)?$/;
const KEPT = 64;

export class Typist {
  readonly #commands: string[];
  readonly #write: (text: string) => void;
  #end = "";

  constructor(commands: readonly string[], write: (text: string) => void) {
    this.#commands = [...commands];
    this.#write = write;
  }

  /** True once a prompt was seen and every command was typed. */
  get done(): boolean {
    return this.#commands.length === 0;
  }

  /** Looks at output as it comes. */
  watch(bytes: Buffer): void {
    this.#end = (this.#end + bytes.toString("latin1")).slice(-KEPT);
    if (!PROMPT.test(this.#end)) return;
    const command = this.#commands.shift();
    if (command === undefined) return;
    this.#end = "";
    this.#write(`${command}\n`);
  }
}
