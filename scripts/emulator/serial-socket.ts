// COM1 of an emulator that listens on a TCP port of this host.

import { connect, createServer, type Socket } from "node:net";

const RETRY_MS = 50;

export interface SerialConnection {
  write(bytes: Uint8Array | string): void;
  /** All that arrived so far. */
  received(): string;
}

/** A port that nothing listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address !== null) resolve(address.port);
        else reject(new Error("the listening socket has no port"));
      });
    });
  });
}

/** Connects as soon as the emulator listens, until it ends; what is written before is sent then. */
export function connectSerial(port: number, ended: Promise<unknown>): SerialConnection {
  const received: Buffer[] = [];
  const waiting: (Uint8Array | string)[] = [];
  let socket: Socket | undefined;
  let over = false;

  const attempt = (): void => {
    if (over) return;
    const candidate = connect(port, "127.0.0.1");
    candidate.on("connect", () => {
      socket = candidate;
      for (const bytes of waiting.splice(0)) candidate.write(bytes);
    });
    candidate.on("data", (bytes: Buffer) => received.push(bytes));
    candidate.on("error", () => candidate.destroy());
    candidate.on("close", () => {
      if (socket === undefined) setTimeout(attempt, RETRY_MS);
      socket = undefined;
    });
  };
  attempt();
  const close = (): void => {
    over = true;
    socket?.destroy();
  };
  ended.then(close, close);
  return {
    write: (bytes) => (socket === undefined ? void waiting.push(bytes) : void socket.write(bytes)),
    received: () => Buffer.concat(received).toString("latin1"),
  };
}
