/** A mistake that the user can put right: what is wrong, and what to do about it. */
export class UserError extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.name = "UserError";
    this.remedy = remedy;
  }
}

/** Text of an error for the terminal; a programming error keeps its stack trace. */
export function describeError(error: unknown): string {
  if (error instanceof UserError) return `error: ${error.message}\n  remedy: ${error.remedy.replaceAll("\n", "\n          ")}`;
  if (error instanceof Error) return error.stack ?? error.message;
  return String(error);
}
