/** Work that is done one after another, in the order in which it was asked for; what failed holds nobody up. */
export type InTurn = <Result>(run: () => Promise<Result>) => Promise<Result>;

export function openTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const result = last.then(run);
    last = result.catch(() => undefined);
    return result;
  };
}
